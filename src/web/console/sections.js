/**
 * The inboxes: which customers stand in which, as the server counts them (`unread_counts`). A conversation's inbox is
 * its customer's category and status.
 */

/** @typedef {{ id: string, name: string, group: string, category?: string, status?: string, empty: string }} Section */

export const UNIFIED = 'unified-inbox';

/** @type {readonly Section[]} */
export const SECTIONS = [
  { id: UNIFIED, name: 'All conversations', group: '', empty: '' },
  {
    id: 'agent-inbox-active', name: 'Active', group: 'Agent inbox', category: 'agent-inbox', status: 'active',
    empty: 'Nothing is waiting here. New conversations of your site come in by themselves.',
  },
  {
    id: 'agent-inbox-resolved', name: 'Resolved', group: 'Agent inbox', category: 'agent-inbox', status: 'resolved',
    empty: 'What you resolve moves here. Press e in a conversation.',
  },
  {
    id: 'my-inbox-chats', name: 'Active', group: 'Human chats', category: 'human-chats', status: 'active',
    empty: 'Move a conversation here when a person should take it over.',
  },
  {
    id: 'my-inbox-escalated', name: 'Escalated', group: 'Human chats', category: 'human-chats', status: 'escalated',
    empty: 'Nothing is escalated.',
  },
  {
    id: 'my-inbox-resolved', name: 'Resolved', group: 'Human chats', category: 'human-chats', status: 'resolved',
    empty: 'Resolved conversations of people stand here.',
  },
];

/**
 * @param {string | null | undefined} id
 * @returns {Section} the unified one where the id is none
 */
export function sectionOf(id) {
  return SECTIONS.find((s) => s.id === id) || SECTIONS[0];
}

/** @param {Section} section */
export function fullName(section) {
  return section.group ? section.group + ' · ' + section.name : section.name;
}

/**
 * @param {Section} section
 * @param {{ category?: string | null, status?: string | null }} customer
 */
export function belongs(section, customer) {
  return !section.category || (customer.category === section.category && customer.status === section.status);
}
