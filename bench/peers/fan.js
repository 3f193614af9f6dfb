// fan.js: Node's usual WebSocket library, ws: a POST's body goes to every WebSocket.   node fan.js PORT
// NODE_PATH points to where the setup script put the library.
const http = require('http');
const { WebSocketServer } = require('ws');

const server = http.createServer((request, response) => {
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
        const body = Buffer.concat(parts);
        if (request.url === '/pub') {
            for (const client of wss.clients) client.send(body, { binary: false });
        }
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 2 });
        response.end('{}');
    });
});
const wss = new WebSocketServer({ server, perMessageDeflate: false });
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
