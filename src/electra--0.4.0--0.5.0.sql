-- electra 0.4.0 to 0.5.0: the default preset is a trained one; the SQL is the same
\echo Use "ALTER EXTENSION electra UPDATE TO '0.5.0'" to load this file. \quit
