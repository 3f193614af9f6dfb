/**
 * By language, in this order: title, close, send, write, fresh (begin a new chat), online (agents are there), away (none is),
 * connecting, offline, read (a message is), delete. The browser knows days and times.
 * @type {Record<string, string>}
 */
export const TEXTS = {
  en: 'Chat|Close|Send|Write a message|New conversation|We are online|We reply later|Connecting…|No connection|Read|Delete',
  de: 'Chat|Schließen|Senden|Nachricht schreiben|Neue Unterhaltung|Wir sind online|Wir antworten später|Verbinden…|Keine Verbindung|Gelesen|Löschen',
  fr: 'Chat|Fermer|Envoyer|Écrire un message|Nouvelle conversation|Nous sommes en ligne|Nous répondrons plus tard|Connexion…|Pas de connexion|Lu|Supprimer',
  es: 'Chat|Cerrar|Enviar|Escribe un mensaje|Nueva conversación|Estamos en línea|Responderemos más tarde|Conectando…|Sin conexión|Leído|Eliminar',
  it: 'Chat|Chiudi|Invia|Scrivi un messaggio|Nuova conversazione|Siamo online|Risponderemo più tardi|Connessione…|Nessuna connessione|Letto|Elimina',
  pt: 'Chat|Fechar|Enviar|Escreva uma mensagem|Nova conversa|Estamos online|Respondemos mais tarde|Conectando…|Sem conexão|Lida|Excluir',
  nl: 'Chat|Sluiten|Versturen|Schrijf een bericht|Nieuw gesprek|We zijn online|We antwoorden later|Verbinden…|Geen verbinding|Gelezen|Verwijderen',
  pl: 'Czat|Zamknij|Wyślij|Napisz wiadomość|Nowa rozmowa|Jesteśmy online|Odpowiemy później|Łączenie…|Brak połączenia|Przeczytane|Usuń',
  tr: 'Sohbet|Kapat|Gönder|Mesaj yazın|Yeni görüşme|Çevrimiçiyiz|Daha sonra yanıtlarız|Bağlanıyor…|Bağlantı yok|Okundu|Sil',
  ar: 'محادثة|إغلاق|إرسال|اكتب رسالة|محادثة جديدة|نحن متصلون|سنرد لاحقًا|جارٍ الاتصال…|لا يوجد اتصال|قُرئت|حذف',
};

/** The first that there are labels in. @param {(string | undefined)[]} wanted such as "de-AT" */
export const language = (...wanted) => wanted.map((tag = '') => tag.slice(0, 2).toLowerCase()).find((tag) => TEXTS[tag]) || 'en';
