-- What the encoder sees of a text.
SELECT electra_tokenize('Hello, world!', 'electra-untrained-tiny');
SELECT electra_tokenize('', 'electra-untrained-tiny');
SELECT electra_tokenize('a[MASK]b [mask]', 'electra-untrained-tiny');
SELECT electra_tokenize('Über naïve Cafés', 'electra-untrained-tiny');
SELECT electra_tokenize('中文', 'electra-untrained-tiny');
SELECT electra_token_ids('the water', 'electra-untrained-tiny');
SELECT electra_token_ids('', 'electra-untrained-tiny');

-- tokens and ids belong together, and count counts both
SELECT body, cardinality(electra_tokenize(body, p)) = cardinality(electra_token_ids(body, p)) AS same_number,
	cardinality(electra_token_ids(body, p)) = electra_token_count(body, p) AS counted
FROM (VALUES ('electra-untrained-tiny')) AS preset(p), (VALUES (''), ('one'), ('Two words, and punctuation...'), ('日本語')) AS t(body);

-- cut at max_length, but counted to the end
SELECT cardinality(electra_token_ids(repeat('water ', 1000), 'electra-untrained-tiny')) AS seen,
	electra_token_count(repeat('water ', 1000), 'electra-untrained-tiny') AS all_tokens;
SELECT electra_token_count(repeat('a,', 500000), 'electra-untrained-tiny') AS all_tokens;
SELECT (electra_token_ids(repeat('water ', 1000), 'electra-untrained-tiny'))[512] = (electra_token_ids('', 'electra-untrained-tiny'))[2] AS ends_with_sep;

-- and back
SELECT electra_detokenize(electra_token_ids('The water is cold, isn''t it?', 'electra-untrained-tiny'), 'electra-untrained-tiny');
SELECT electra_detokenize(ARRAY[]::integer[], 'electra-untrained-tiny') = '' AS empty;
SELECT electra_detokenize(ARRAY[-1], 'electra-untrained-tiny');
SELECT electra_detokenize(ARRAY[2147483647], 'electra-untrained-tiny');
SELECT electra_detokenize(ARRAY[1, NULL], 'electra-untrained-tiny');
SELECT electra_detokenize(ARRAY[[1], [2]], 'electra-untrained-tiny');

-- with the default preset
SELECT electra_tokenize('the') = electra_tokenize('the', 'electra-untrained-tiny') AS same;
SELECT electra_token_ids('the') = electra_token_ids('the', 'electra-untrained-tiny') AS same;
SELECT electra_token_count('the') = electra_token_count('the', 'electra-untrained-tiny') AS same;
SELECT electra_detokenize(electra_token_ids('the'));
