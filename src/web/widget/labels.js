export const LANGUAGES = ['en', 'de', 'nl', 'fr', 'es', 'pt', 'it', 'pl', 'tr', 'ar'];

/** Each row is a label in all languages, in their order; the texts are chosen so that few say enough. Days and times the browser knows. */
export const ROWS = [
  /* title */ 'Chat|Chat|Chat|Chat|Chat|Chat|Chat|Czat|Sohbet|محادثة',
  /* fresh: begin another */ 'New chat|Neuer Chat|Nieuwe chat|Nouveau chat|Nuevo chat|Novo chat|Nuova chat|Nowy czat|Yeni sohbet|محادثة جديدة',
  /* online: agents are there */ 'Online|Online|Online|En ligne|En línea|Online|Online|Online|Çevrimiçi|متصل',
  /* away: none is */ 'We reply later|Wir antworten später|We antwoorden later|Nous répondrons plus tard|Responderemos más tarde|'
    + 'Respondemos mais tarde|Risponderemo più tardi|Odpowiemy później|Daha sonra yanıtlarız|سنرد لاحقًا',
  /* offline: no connection */ 'Offline|Offline|Offline|Hors ligne|Sin conexión|Offline|Offline|Offline|Çevrimdışı|غير متصل',
  /* write */ 'Message|Nachricht|Bericht|Message|Mensaje|Mensagem|Messaggio|Wiadomość|Mesaj|رسالة',
  /* send */ 'Send|Senden|Verzenden|Envoyer|Enviar|Enviar|Invia|Wyślij|Gönder|إرسال',
  /* close */ 'Close|Schließen|Sluiten|Fermer|Cerrar|Fechar|Chiudi|Zamknij|Kapat|إغلاق',
];

/** The first that there are labels in. @param {(string | undefined)[]} wanted such as "de-AT" */
export const language = (...wanted) => wanted.map((tag = '') => tag.slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag)) || 'en';

/** @param {string} lang @returns {string[]} in the order of the rows */
export const labelsIn = (lang) => ROWS.map((row) => row.split('|')[LANGUAGES.indexOf(lang)]);
