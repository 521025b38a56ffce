-- What the encoder sees of a text.
SET client_min_messages = warning;
SELECT electra_create_preset('words', vocabulary => ARRAY['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'the', 'water', 'is', 'cold', 'it', 'isn', 't',
	'he', '##ll', '##o', 'wor', '##ld', 'ma', '##sk', 'u', '##ber', 'na', '##ive', 'ca', '##f', '##es', 'a', 'b', '!', '?', ',', '''', '[', ']'],
	num_layers => 1, num_heads => 1, hidden_dim => 4, intermediate_dim => 4, max_sequence_length => 64);
RESET client_min_messages;
SELECT electra_tokenize('Hello, world!', 'words');
SELECT electra_tokenize('', 'words');
SELECT electra_tokenize('a[MASK]b [mask]', 'words');
SELECT electra_tokenize('Über naïve Cafés', 'words');
SELECT electra_tokenize('中文', 'words');
SELECT electra_token_ids('the water', 'words');
SELECT electra_token_ids('', 'words');

-- tokens and ids belong together, and count counts both
SELECT body, cardinality(electra_tokenize(body, p)) = cardinality(electra_token_ids(body, p)) AS same_number,
	cardinality(electra_token_ids(body, p)) = electra_token_count(body, p) AS counted
FROM (VALUES ('words')) AS preset(p), (VALUES (''), ('one'), ('Two words, and punctuation...'), ('日本語')) AS t(body);

-- cut at max_length, but counted to the end
SELECT cardinality(electra_token_ids(repeat('water ', 1000), 'words')) AS seen,
	electra_token_count(repeat('water ', 1000), 'words') AS all_tokens;
SELECT electra_token_count(repeat('a,', 500000), 'words') AS all_tokens;
SELECT (electra_token_ids(repeat('water ', 1000), 'words'))[64] = (electra_token_ids('', 'words'))[2] AS ends_with_sep;

-- and back
SELECT electra_detokenize(electra_token_ids('The water is cold, isn''t it?', 'words'), 'words');
SELECT electra_detokenize(ARRAY[]::integer[], 'words') = '' AS empty;
SELECT electra_detokenize(ARRAY[-1], 'words');
SELECT electra_detokenize(ARRAY[2147483647], 'words');
SELECT electra_detokenize(ARRAY[1, NULL], 'words');
SELECT electra_detokenize(ARRAY[[1], [2]], 'words');

-- with the default preset
SELECT electra_tokenize('the') = electra_tokenize('the', 'electra_mini_en_1') AS same;
SELECT electra_token_ids('the') = electra_token_ids('the', 'electra_mini_en_1') AS same;
SELECT electra_token_count('the') = electra_token_count('the', 'electra_mini_en_1') AS same;
SELECT electra_detokenize(electra_token_ids('the'));
SELECT electra_drop_preset('words');
SELECT electra_forget_preset('words');
