-- SPDX-License-Identifier: Apache-2.0
-- The tables of src/examples/conduit, as far as Express and Flask need them.
CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY AUTOINCREMENT, username text NOT NULL UNIQUE, email text NOT NULL UNIQUE,
    password text NOT NULL, bio text NOT NULL DEFAULT '', image text NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS follow(follower bigint NOT NULL REFERENCES account, followed bigint NOT NULL REFERENCES account,
    PRIMARY KEY(follower, followed));
CREATE TABLE IF NOT EXISTS article(id INTEGER PRIMARY KEY AUTOINCREMENT, author bigint NOT NULL REFERENCES account, slug text NOT NULL UNIQUE,
    title text NOT NULL, description text NOT NULL, body text NOT NULL, tags text NOT NULL, created bigint NOT NULL, updated bigint NOT NULL);
CREATE INDEX IF NOT EXISTS article_by_author ON article(author, id);
CREATE TABLE IF NOT EXISTS article_tag(tag text NOT NULL, article bigint NOT NULL REFERENCES article, PRIMARY KEY(tag, article));
CREATE INDEX IF NOT EXISTS article_tag_by_article ON article_tag(article);
CREATE TABLE IF NOT EXISTS favorite(article bigint NOT NULL REFERENCES article, account bigint NOT NULL REFERENCES account,
    PRIMARY KEY(article, account));
