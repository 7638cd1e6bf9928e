// A web page and its API. It listens on PORT (8080 where it is not set) and logs JSON lines.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('./public/', import.meta.url));

const types = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

const headers = {
  'Content-Security-Policy': "default-src 'self'",
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
};

const json = (status, body) => ({ status, type: types['.json'], body: JSON.stringify(body) });

// greet is where the application's own work begins.
export function greet(query) {
  const name = query.get('name') || 'world';
  if (name.length > 100) return json(400, { error: 'the name is longer than 100 characters' });
  return json(200, { greeting: `Hello, ${name}!` });
}

// file gives what public/ has at a path; nothing outside of it.
async function file(path) {
  let decoded;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return json(400, { error: 'the path is not valid' });
  }
  const name = normalize(join(root, decoded.endsWith('/') ? `${decoded}index.html` : decoded));
  if (!name.startsWith(root.endsWith(sep) ? root : root + sep) || decoded.includes('\0')) {
    return json(404, { error: 'there is nothing here' });
  }
  try {
    return { status: 200, type: types[extname(name)] ?? 'application/octet-stream', body: await readFile(name) };
  } catch {
    return json(404, { error: 'there is nothing here' });
  }
}

async function answer(request, state) {
  const url = new URL(request.url, 'http://localhost');
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'only GET and HEAD are answered' });
  switch (url.pathname) {
    case '/healthz':
      return json(200, { status: 'ok' });
    case '/readyz': // look here at what the application cannot do without
      return state.ready ? json(200, { status: 'ready' }) : json(503, { status: 'not ready' });
    case '/api/greeting':
      return greet(url.searchParams);
    default:
      return file(url.pathname);
  }
}

// create gives the server, and the state that says whether requests should come.
export function create(log = (line) => console.log(JSON.stringify(line))) {
  const state = { ready: false };
  const server = createServer(async (request, response) => {
    let result;
    try {
      result = await answer(request, state);
    } catch (error) {
      log({ message: 'request failed', error: String(error) });
      result = json(500, { error: 'something went wrong' });
    }
    response.writeHead(result.status, { ...headers, 'Content-Type': result.type, 'Content-Length': Buffer.byteLength(result.body) });
    response.end(request.method === 'HEAD' ? undefined : result.body);
    const path = request.url.split('?')[0];
    if (path !== '/healthz' && path !== '/readyz') log({ message: 'request', method: request.method, path, status: result.status });
  });
  server.requestTimeout = 30_000;
  return { server, state };
}

// drain is how long requests still come after the server has said that it is not ready any more.
const drain = 3000;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { server, state } = create();
  const port = Number(process.env.PORT ?? 8080);
  server.listen(port, () => {
    state.ready = true;
    console.log(JSON.stringify({ message: 'listening', port }));
  });
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.once(signal, () => {
      state.ready = false;
      setTimeout(() => server.close(() => process.exit(0)), drain);
      setTimeout(() => server.closeIdleConnections(), drain + 100);
    });
  }
}
