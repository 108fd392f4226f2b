// SPDX-License-Identifier: Apache-2.0
// The API that scripts/compare-api compares, on Express. app.js PORT WORKERS FOLDER
const cluster = require('node:cluster');
const fs = require('node:fs');

const [port, workers, folder] = process.argv.slice(2);

function open() {
  const db = require('better-sqlite3')(`${folder}/notes.db`, { timeout: 5000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec('CREATE TABLE IF NOT EXISTS note(id INTEGER PRIMARY KEY, title TEXT NOT NULL, text TEXT NOT NULL, done INTEGER NOT NULL)');
  return {
    list: db.prepare('SELECT id, title, text, done FROM note ORDER BY id DESC LIMIT ? OFFSET ?'),
    count: db.prepare('SELECT count(*) AS total FROM note'),
    get: db.prepare('SELECT id, title, text, done FROM note WHERE id = ?'),
    add: db.prepare('INSERT INTO note(title, text, done) VALUES(?, ?, ?) RETURNING id, title, text, done'),
    set: db.prepare('UPDATE note SET title = ?, text = ?, done = ? WHERE id = ? RETURNING id, title, text, done'),
    drop: db.prepare('DELETE FROM note WHERE id = ?'),
  };
}

function serve() {
  const express = require('express');
  const morgan = require('morgan');
  const db = open();
  const app = express();
  app.use(morgan('combined', { stream: fs.createWriteStream(`${folder}/access.log`, { flags: 'a' }) }));
  app.use(express.json());

  const note = (row) => ({ ...row, done: row.done === 1 });
  const answer = (response, status, row) => {
    if (row === undefined) return response.status(404).json({ error: 'no such note' });
    return response.status(status).location(`/notes/${row.id}`).json(note(row));
  };
  const integer = (text, fallback, least, most) => {
    if (text === undefined) return fallback;
    const number = Number(text);
    return /^-?\d+$/.test(text) && number >= least && number <= most ? number : undefined;
  };

  const identified = (request, response, next) => {
    request.id = integer(request.params.id, undefined, 1, Number.MAX_SAFE_INTEGER);
    return request.id === undefined ? response.status(404).json({ error: 'no such note' }) : next();
  };
  const validated = (request, response, next) => {
    const { title, text = '', done = false } = request.body ?? {};
    const errors = {};
    if (typeof title !== 'string' || title === '' || title.length > 100) errors.title = ['must have 1 to 100 characters'];
    if (typeof text !== 'string') errors.text = ['must be a string'];
    if (typeof done !== 'boolean') errors.done = ['must be true or false'];
    if (Object.keys(errors).length > 0) return response.status(422).json({ errors });
    request.values = [title, text, done ? 1 : 0];
    return next();
  };

  app.get('/notes', (request, response) => {
    const limit = integer(request.query.limit, 20, 1, 100);
    const offset = integer(request.query.offset, 0, 0, 2147483647);
    if (limit === undefined || offset === undefined) return response.status(400).json({ error: 'limit or offset is out of bounds' });
    return response.json({ notes: db.list.all(limit, offset).map(note), total: db.count.get().total });
  });
  app.post('/notes', validated, (request, response) => answer(response, 201, db.add.get(...request.values)));
  app.get('/notes/:id', identified, (request, response) => answer(response, 200, db.get.get(request.id)));
  app.put('/notes/:id', identified, validated, (request, response) => answer(response, 200, db.set.get(...request.values, request.id)));
  app.delete('/notes/:id', identified, (request, response) => {
    if (db.drop.run(request.id).changes === 0) return answer(response, 404, undefined);
    return response.status(204).end();
  });
  app.use((error, request, response, next) => response.status(error.status ?? 500).json({ error: error.message }));

  const server = app.listen(Number(port), '127.0.0.1');
  server.keepAliveTimeout = 600000;
  process.on('SIGTERM', () => process.exit(0));
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(workers); i++) cluster.fork();
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  serve();
}
