// SPDX-License-Identifier: Apache-2.0
// Of the API of RealWorld what scripts/compare-conduit compares, on Express: registration, list, get, create. app.js PORT WORKERS FOLDER
const cluster = require('node:cluster');
const crypto = require('node:crypto');
const fs = require('node:fs');

const [port, workers, folder] = process.argv.slice(2);
const SECRET = '0123456789abcdef0123456789abcdef';

const sign = (text) => crypto.createHmac('sha256', SECRET).update(text).digest('base64url');
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const tokenFor = (id) => {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: String(id), exp: Math.floor(Date.now() / 1000) + 86400 })}`;
  return `${text}.${sign(text)}`;
};
const accountOf = (token) => {
  const [head, body, signature] = token.split('.');
  if (body === undefined || signature === undefined) return 0;
  const expected = Buffer.from(sign(`${head}.${body}`));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !crypto.timingSafeEqual(given, expected)) return 0;
  const claims = JSON.parse(Buffer.from(body, 'base64url'));
  return claims.exp > Date.now() / 1000 ? Number(claims.sub) : 0;
};

const COLUMNS = `a.slug, a.title, a.description, a.tags, a.created, a.updated,
  EXISTS(SELECT 1 FROM favorite f WHERE f.article = a.id AND f.account = @viewer) AS favorited,
  (SELECT count(*) FROM favorite f WHERE f.article = a.id) AS favorites,
  u.username, u.bio, u.image, EXISTS(SELECT 1 FROM follow w WHERE w.followed = a.author AND w.follower = @viewer) AS following`;
const FROM = 'FROM article a JOIN account u ON u.id = a.author';

function open() {
  const db = require('better-sqlite3')(`${folder}/conduit.db`, { timeout: 5000 });
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.pragma('foreign_keys = ON');
  db.exec(fs.readFileSync(`${folder}/schema.sql`, 'utf8'));
  const statements = {
    join: db.prepare('INSERT INTO account(username, email, password) VALUES(?, ?, ?) ON CONFLICT DO NOTHING RETURNING id'),
    account: db.prepare('SELECT username, email, bio, image FROM account WHERE id = ?'),
    list: db.prepare(`SELECT ${COLUMNS} ${FROM} ORDER BY a.id DESC LIMIT @limit OFFSET @offset`),
    count: db.prepare('SELECT count(*) AS total FROM article'),
    get: db.prepare(`SELECT ${COLUMNS}, a.body ${FROM} WHERE a.slug = @slug`),
    add: db.prepare(`INSERT INTO article(author, slug, title, description, body, tags, created, updated)
      VALUES(@author, @slug, @title, @description, @body, @tags, @now, @now) ON CONFLICT DO NOTHING RETURNING id`),
    tag: db.prepare('INSERT INTO article_tag(tag, article) VALUES(?, ?)'),
  };
  const create = db.transaction((values, tags) => {
    const row = statements.add.get(values);
    if (row !== undefined) for (const tag of tags) statements.tag.run(tag, row.id);
    return row !== undefined;
  });
  return { ...statements, create };
}

const articleOf = (row) => ({
  slug: row.slug, title: row.title, description: row.description, tagList: JSON.parse(row.tags),
  createdAt: new Date(row.created).toISOString(), updatedAt: new Date(row.updated).toISOString(),
  favorited: row.favorited === 1, favoritesCount: row.favorites,
  author: { username: row.username, bio: row.bio, image: row.image, following: row.following === 1 },
  ...(row.body === undefined ? {} : { body: row.body }),
});
const refuse = (response, status, ...body) => response.status(status).json({ errors: { body } });
const integer = (text, fallback, least, most) => {
  if (text === undefined) return fallback;
  const number = Number(text);
  return /^\d+$/.test(text) && number >= least ? Math.min(number, most) : undefined;
};

function serve() {
  const express = require('express');
  const morgan = require('morgan');
  const db = open();
  const app = express();
  app.use(morgan('combined', { stream: fs.createWriteStream(`${folder}/access.log`, { flags: 'a' }) }));
  app.use(express.json());
  app.use((request, response, next) => {
    const given = request.get('authorization');
    request.viewer = given === undefined ? 0 : accountOf(given.replace(/^Token /i, ''));
    return given !== undefined && request.viewer === 0 ? response.status(401).end() : next();
  });
  const member = (request, response, next) => (request.viewer === 0 || !db.account.get(request.viewer) ? response.status(401).end() : next());
  const text = (errors, object, name) => {
    if (typeof object[name] !== 'string' || object[name].trim() === '') errors.push(`${name} can't be blank`);
    return object[name];
  };

  app.post('/api/users', (request, response) => {
    const { username, email, password } = request.body?.user ?? {};
    const salt = crypto.randomBytes(16);
    const row = db.join.get(username, email, `${salt.toString('hex')}$${crypto.scryptSync(password, salt, 32).toString('hex')}`);
    if (row === undefined) return refuse(response, 422, 'username or email has already been taken');
    return response.status(201).json({ user: { email, token: tokenFor(row.id), username, bio: '', image: '' } });
  });
  app.get('/api/articles', (request, response) => {
    const limit = integer(request.query.limit, 20, 1, 100);
    const offset = integer(request.query.offset, 0, 0, Number.MAX_SAFE_INTEGER);
    if (limit === undefined || offset === undefined) return refuse(response, 422, 'limit or offset is out of bounds');
    const rows = db.list.all({ viewer: request.viewer, limit, offset });
    return response.json({ articles: rows.map(articleOf), articlesCount: db.count.get().total });
  });
  const show = (request, response, status, slug) => {
    const row = db.get.get({ viewer: request.viewer, slug });
    return row === undefined ? refuse(response, 404, 'there is no such article') : response.status(status).json({ article: articleOf(row) });
  };
  app.get('/api/articles/:slug', (request, response) => show(request, response, 200, request.params.slug));
  app.post('/api/articles', member, (request, response) => {
    const errors = [];
    const given = request.body?.article ?? {};
    const values = { author: request.viewer, now: Date.now() };
    for (const name of ['title', 'description', 'body']) values[name] = text(errors, given, name);
    const tags = [...new Set(given.tagList ?? [])];
    if (!tags.every((tag) => typeof tag === 'string' && tag !== '')) errors.push('tagList must be texts');
    if (errors.length > 0) return refuse(response, 422, ...errors);
    values.tags = JSON.stringify(tags);
    const slug = values.title.toLowerCase().replace(/[^a-z0-9\u0080-\uffff]+/g, '-').replace(/^-|-$/g, '');
    values.slug = slug;
    while (!db.create.immediate(values, tags)) values.slug = `${slug}-${crypto.randomBytes(4).toString('hex')}`;
    return show(request, response, 201, values.slug);
  });
  app.use((error, request, response, next) => refuse(response, error.status ?? 500, error.message));

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
