import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { create } from '../server.mjs';

const lines = [];
const { server, state } = create((line) => lines.push(line));
let port;

before(() => new Promise((done) => server.listen(0, '127.0.0.1', () => { port = server.address().port; done(); })));
after(() => new Promise((done) => { server.close(done); server.closeAllConnections(); }));

// ask sends a path as it is: fetch would tidy it up.
function ask(path, method = 'GET') {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (part) => { body += part; }).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
    });
    sent.on('error', reject).end();
  });
}

test('the API greets', async () => {
  assert.deepEqual(JSON.parse((await ask('/api/greeting')).body), { greeting: 'Hello, world!' });
  assert.deepEqual(JSON.parse((await ask('/api/greeting?name=Ada')).body), { greeting: 'Hello, Ada!' });
  assert.equal((await ask(`/api/greeting?name=${'x'.repeat(101)}`)).status, 400);
});

test('the page and all that it names are there', async () => {
  const page = await ask('/');
  assert.equal(page.status, 200);
  assert.match(page.headers['content-type'], /^text\/html/);
  const named = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]);
  assert.ok(named.length >= 2);
  for (const path of named) assert.equal((await ask(path)).status, 200, path);
});

test('answers say how they are to be treated', async () => {
  const { headers } = await ask('/');
  assert.equal(headers['content-security-policy'], "default-src 'self'");
  assert.equal(headers['x-content-type-options'], 'nosniff');
});

test('nothing outside of public is served', async () => {
  for (const path of ['/../server.mjs', '/%2e%2e/server.mjs', '/..%2fserver.mjs', '/%00', '/nothing', '/public']) {
    assert.equal((await ask(path)).status, 404, path);
  }
  assert.equal((await ask('/%zz')).status, 400);
});

test('other methods are refused, and HEAD has no body', async () => {
  assert.equal((await ask('/', 'POST')).status, 405);
  const head = await ask('/', 'HEAD');
  assert.equal(head.status, 200);
  assert.equal(head.body, '');
});

test('it is ready when it says so', async () => {
  assert.equal((await ask('/healthz')).status, 200);
  assert.equal((await ask('/readyz')).status, 503);
  state.ready = true;
  assert.equal((await ask('/readyz')).status, 200);
});

test('requests are logged, probes are not', async () => {
  lines.length = 0;
  await ask('/healthz');
  assert.deepEqual(lines, []);
  await ask('/nothing?secret=1');
  assert.deepEqual(lines, [{ message: 'request', method: 'GET', path: '/nothing', status: 404 }]);
});
