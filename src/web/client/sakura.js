export function createClient() {
  throw new Error('not here yet');
}
