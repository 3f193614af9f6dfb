/** The panel's labels: each is a text in all languages, in the order of LANGUAGES. Days and times the browser knows. */
export const WORDS = {
  fresh: 'New chat|Neuer Chat|Nieuwe chat|Nouveau chat|Nuevo chat|Novo chat|Nuova chat|Nowy czat|Yeni sohbet|محادثة جديدة',
  chats: 'Your chats|Ihre Chats|Uw chats|Vos chats|Sus chats|Os seus chats|Le sue chat|Twoje czaty|Sohbetleriniz|محادثاتك',
  online: 'Online|Online|Online|En ligne|En línea|Online|Online|Online|Çevrimiçi|متصل',
  away: 'We reply later|Wir antworten später|We antwoorden later|Nous répondrons plus tard|Responderemos más tarde|'
    + 'Respondemos mais tarde|Risponderemo più tardi|Odpowiemy później|Daha sonra yanıtlarız|سنرد لاحقًا',
  connecting: 'Connecting…|Wird verbunden …|Verbinden…|Connexion…|Conectando…|A ligar…|Connessione…|Łączenie…|Bağlanıyor…|جارٍ الاتصال…',
  stale: 'Trying again…|Neuer Versuch …|Opnieuw proberen…|Nouvelle tentative…|Reintentando…|A tentar de novo…|Nuovo tentativo…|'
    + 'Ponawianie…|Yeniden deneniyor…|إعادة المحاولة…',
  offline: 'Offline: what you write is sent later|Offline: was Sie schreiben, wird später gesendet|'
    + 'Offline: wat u schrijft wordt later verzonden|Hors ligne : vos messages partiront plus tard|'
    + 'Sin conexión: lo que escriba se enviará después|Offline: o que escrever será enviado mais tarde|'
    + 'Offline: ciò che scrive verrà inviato più tardi|Offline: wiadomości zostaną wysłane później|'
    + 'Çevrimdışı: yazdıklarınız sonra gönderilir|غير متصل: ستُرسل رسائلك لاحقًا',
  denied: 'Signed out: please reload the page|Abgemeldet: bitte die Seite neu laden|Afgemeld: laad de pagina opnieuw|'
    + 'Déconnecté : rechargez la page|Sesión cerrada: recargue la página|Sessão terminada: recarregue a página|'
    + 'Disconnesso: ricarichi la pagina|Wylogowano: odśwież stronę|Oturum kapandı: sayfayı yenileyin|انتهت الجلسة: أعد تحميل الصفحة',
  greeting: 'How can we help?|Wie können wir helfen?|Hoe kunnen we helpen?|Comment pouvons-nous vous aider ?|¿En qué podemos ayudarle?|'
    + 'Como podemos ajudar?|Come possiamo aiutarla?|Jak możemy pomóc?|Nasıl yardımcı olabiliriz?|كيف يمكننا مساعدتك؟',
  write: 'Message|Nachricht|Bericht|Message|Mensaje|Mensagem|Messaggio|Wiadomość|Mesaj|رسالة',
  send: 'Send|Senden|Verzenden|Envoyer|Enviar|Enviar|Invia|Wyślij|Gönder|إرسال',
  close: 'Close|Schließen|Sluiten|Fermer|Cerrar|Fechar|Chiudi|Zamknij|Kapat|إغلاق',
  retry: 'Try again|Erneut versuchen|Nogmaals proberen|Réessayer|Reintentar|Tentar de novo|Riprova|Ponów|Yeniden dene|إعادة المحاولة',
  discard: 'Discard|Verwerfen|Verwijderen|Abandonner|Descartar|Descartar|Scarta|Odrzuć|Vazgeç|تجاهل',
  long: 'Too long|Zu lang|Te lang|Trop long|Demasiado largo|Demasiado longo|Troppo lungo|Za długie|Çok uzun|طويلة جدًا',
  failed: 'Not sent|Nicht gesendet|Niet verzonden|Non envoyé|No enviado|Não enviada|Non inviato|Nie wysłano|Gönderilemedi|لم تُرسل',
  waiting: 'Waiting|Wartet|Wacht|En attente|En espera|Em espera|In attesa|Oczekuje|Bekliyor|قيد الانتظار',
  sent: 'Sent|Gesendet|Verzonden|Envoyé|Enviado|Enviada|Inviato|Wysłano|Gönderildi|أُرسلت',
  read: 'Read|Gelesen|Gelezen|Lu|Leído|Lida|Letto|Przeczytano|Okundu|قُرئت',
  typing: 'Typing…|Schreibt …|Typt…|Écrit…|Escribiendo…|A escrever…|Sta scrivendo…|Pisze…|Yazıyor…|يكتب…',
};

/** @param {number} language its place in LANGUAGES @returns {Record<keyof typeof WORDS, string>} */
export const wordsIn = (language) => /** @type {any} */ (Object.fromEntries(Object.entries(WORDS)
  .map(([name, texts]) => [name, texts.split('|')[language]])));
