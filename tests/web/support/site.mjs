/** Somebody's web site: pages of another origin that have the widget on them, with the headers that such a site sends. */
import http from 'node:http';

/**
 * pages: path → { html, headers? }. It answers 404 to all else.
 * @param {Record<string, { html: string, headers?: Record<string, string> }>} pages
 */
export async function site(pages) {
  const server = http.createServer((request, response) => {
    const page = pages[new URL(request.url ?? '/', 'http://site').pathname];
    response.writeHead(page ? 200 : 404, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store', ...page?.headers });
    response.end(page?.html);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    origin: `http://127.0.0.1:${port}`,
    pages,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
