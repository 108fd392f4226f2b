// SPDX-License-Identifier: Apache-2.0
// The Express application; it answers what handlers.c does. app.js PORT WORKERS ACCESS_LOG
const cluster = require('node:cluster');
const fs = require('node:fs');

const [port, workers, log] = process.argv.slice(2);

function serve() {
  const express = require('express');
  const morgan = require('morgan');
  const app = express();

  app.use(morgan('combined', { stream: fs.createWriteStream(log, { flags: 'a' }) }));
  app.get('/json', (request, response) => {
    response.json({ id: 7, name: 'Ada Lovelace', active: true, scores: [10, 20, 30] });
  });
  app.get('/slow', (request, response) => {
    setTimeout(() => response.type('text/plain').send('slow\n'), 50);
  });
  app.post('/post', express.raw({ type: () => true, limit: '1mb' }), (request, response) => {
    response.type('text/plain').send(`${request.body.length}\n`);
  });
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
