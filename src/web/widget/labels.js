export const LANGUAGES = ['en', 'de', 'nl', 'fr', 'es', 'pt', 'it', 'pl', 'tr', 'ar'];

/** What stands above the chat where the site says nothing, in the order of the languages. */
export const TITLES = ['Chat', 'Chat', 'Chat', 'Chat', 'Chat', 'Chat', 'Chat', 'Czat', 'Sohbet', 'محادثة'];

/** The first that there are labels in. @param {(string | undefined)[]} wanted such as "de-AT" */
export const language = (...wanted) => wanted.map((tag = '') => tag.slice(0, 2).toLowerCase()).find((tag) => LANGUAGES.includes(tag)) || 'en';
