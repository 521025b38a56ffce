-- Cosine of vectors.
SELECT electra_cosine('{1,2,3}', '{1,2,3}') AS same, electra_cosine('{1,2,3}', '{-2,-4,-6}') AS opposite,
	electra_cosine('{1,0}', '{0,1}') AS orthogonal, round(electra_cosine('{1,0}', '{1,1}')::numeric, 5) AS half_way;
SELECT electra_cosine('{1,2,3}', '{0,0,0}') AS zero, electra_cosine('{0,0,0}', '{0,0,0}') AS both_zero, electra_cosine('{NaN,1}', '{1,1}') AS nan;
SELECT electra_cosine('{1e20,1e20}', '{1e20,1e20}') AS huge, electra_cosine('{1e-30,1e-30}', '{1e-30,1e-30}') AS tiny;
SELECT electra_cosine(NULL, '{1}') IS NULL AS null_1, electra_cosine('{1}', NULL) IS NULL AS null_2;
SELECT electra_cosine('[0:1]={1,2}', '{1,2}') AS other_bounds;
SELECT electra_cosine('{1,2,3}', '{1,2,3,4}');
SELECT electra_cosine('{1,NULL}', '{1,2}');
SELECT electra_cosine('{{1,2},{3,4}}', '{1,2,3,4}');
SELECT electra_cosine('{}', '{}');

-- Similarity of texts: the cosine of their embeddings.
SELECT electra_similarity('a text', 'a text', 'electra_mini_en_1') AS same;
SELECT electra_similarity(a, b, 'electra_mini_en_1') = electra_cosine(electra_embed(a, 'electra_mini_en_1'), electra_embed(b, 'electra_mini_en_1')) AS equal,
	electra_similarity(a, b, 'electra_mini_en_1') = electra_similarity(b, a, 'electra_mini_en_1') AS symmetric,
	electra_similarity(a, b, 'electra_mini_en_1') < 1 AS below_one
FROM (VALUES ('night', 'day'), ('', 'day'), ('a long sentence about rivers', 'rivers')) AS t(a, b);
SELECT electra_similarity('night', 'day') = electra_similarity('night', 'day', 'electra_mini_en_1') AS default_preset;
SELECT electra_similarity(NULL, 'day', 'electra_mini_en_1') IS NULL AS null_1, electra_similarity('night', NULL, 'electra_mini_en_1') IS NULL AS null_2;
SELECT electra_similarity('night', 'day', NULL);
