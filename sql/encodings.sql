-- Texts are converted from the database encoding to UTF-8, or refused; they
-- are never misread.
SET client_encoding = 'UTF8';
SET client_min_messages = error;
SELECT current_database() AS regression \gset
SELECT md5(electra_embed('Köln, café und Übermut', 'electra_mini_en_1')::text) AS expected,
	electra_tokenize('Köln, café und Übermut', 'electra_mini_en_1') AS tokens,
	electra_detokenize(electra_token_ids('Köln, café', 'electra_mini_en_1'), 'electra_mini_en_1') AS back,
	md5(electra_embed(repeat('Köln café ', 2000), 'electra_mini_en_1')::text) AS expected_long \gset

CREATE DATABASE regress_electra_latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C';
\c regress_electra_latin1
SET client_encoding = 'UTF8';
SET client_min_messages = error;
CREATE EXTENSION electra;
SELECT octet_length('Köln, café und Übermut'::text) AS bytes;
SELECT md5(electra_embed('Köln, café und Übermut', 'electra_mini_en_1')::text) = :'expected' AS same,
	electra_tokenize('Köln, café und Übermut', 'electra_mini_en_1')::text = :'tokens' AS same_tokens,
	electra_detokenize(electra_token_ids('Köln, café', 'electra_mini_en_1'), 'electra_mini_en_1') = :'back' AS back;
SELECT md5(electra_embed(repeat('Köln café ', 2000), 'electra_mini_en_1')::text) = :'expected_long' AS same;
SELECT md5(embedding::text) = :'expected' AS same FROM electra_embed_batch(ARRAY['Köln, café und Übermut'], 'electra_mini_en_1');

CREATE DATABASE regress_electra_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C';
\c regress_electra_ascii
SET client_min_messages = error;
CREATE EXTENSION electra;
-- bytes that are UTF-8 are taken as such
SELECT md5(electra_embed(E'K\303\266ln, caf\303\251 und \303\234bermut', 'electra_mini_en_1')::text) = :'expected' AS same;
-- others are refused, and not shown
SELECT electra_embed(E'K\366ln', 'electra_mini_en_1');
SELECT electra_tokenize(E'caf\351', 'electra_mini_en_1');
SELECT electra_token_count(E'caf\351', 'electra_mini_en_1');
SELECT * FROM electra_embed_batch(ARRAY['fine', E'caf\351'], 'electra_mini_en_1');
SELECT electra_similarity('fine', E'\200', 'electra_mini_en_1');
SELECT electra_embed(repeat('x ', 10000) || E'\351', 'electra_mini_en_1');
SELECT electra_embed('fine', 'electra_mini_en_1') IS NOT NULL AS fine;

\c :regression
DROP DATABASE regress_electra_latin1;
DROP DATABASE regress_electra_ascii;
