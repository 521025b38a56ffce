/*
 * What int8 is judged by: texts of our own, as different as those that a table
 * holds.  They are part of what an int8 preset's digest depends on: a change
 * of any of them changes the figures in the metadata of new presets.
 */
#include "import/calibration.h"

#include <stddef.h>

const char *const calibration_texts[] = {
	/* next to nothing */
	"yes",
	"Thank you!",
	"invoice",
	"red shoes",
	"42",
	"?",
	"New York",
	"out of stock",

	/* questions */
	"How do I reset my password?",
	"Where can I buy fresh bread on a Sunday morning?",
	"What is the difference between a virus and a bacterium?",
	"why is the sky blue",
	"Who decided that, and when will it come into force?",
	"Is this seat taken?",
	"best way to remove rust from garden tools",
	"Which of the two treaties did the parliament ratify first?",

	/* sentences */
	"The old lighthouse keeper climbed the stairs for the last time.",
	"A thin layer of ice covered the pond before sunrise.",
	"She sold her bicycle and took the night train to the coast.",
	"Prices rose faster than wages in most of the countries that were surveyed.",
	"The committee could not agree on a date.",
	"Nobody had watered the plants for three weeks.",
	"Three suspects were arrested near the harbour on Tuesday evening.",
	"The film is far too long, but its last scene makes up for everything.",
	"Her left knee hurts when she walks downstairs.",
	"Fold the egg whites into the batter and bake for forty minutes.",
	"The defendant denied that he had ever been in the building.",
	"Interest is paid twice a year, in March and in September.",
	"Bees find their way back by the position of the sun.",
	"This product stopped working after two days and nobody answers my mails!!!",
	"I love it, exactly as described, arrived a day early :-)",
	"The goalkeeper saved two penalties and was carried off the field by the crowd.",

	/* headings, lists, fragments */
	"Chapter 7: Storage and Retrieval",
	"milk, eggs, flour, 2 lemons, baking powder",
	"URGENT - server room temperature above 35 degrees",
	"Re: Re: Fwd: meeting moved to room 4.12",
	"men's waterproof hiking boots, size 44, dark brown",
	"terms and conditions apply",

	/* numbers, code, markup */
	"2024-02-29T23:59:60Z",
	"The total comes to $1,284.50, of which 19 % is tax.",
	"3.14159 26535 89793 23846",
	"SELECT name, count(*) FROM orders WHERE paid IS NOT TRUE GROUP BY name;",
	"for (int i = 0; i < n; i++) sum += a[i] * b[i];",
	"def area(r):\n    return math.pi * r ** 2",
	"{\"id\": 17, \"tags\": [\"new\", \"sale\"], \"price\": null}",
	"<p class=\"note\">See <a href=\"#top\">above</a>.</p>",
	"https://www.example.org/search?q=paper+boats&page=2",
	"ERROR: could not open file \"data.csv\": No such file or directory",
	"E = m c^2, and so much for that.",
	"C9H8O4",

	/* other languages and scripts */
	"Der Zug nach München fährt heute von Gleis neun.",
	"Où est passée la clé de la cave ?",
	"¿A qué hora abre el museo los domingos?",
	"Зимой озеро замерзает.",
	"春天的花园很美。",
	"雨の日は家で本を読む。",
	"오늘은 날씨가 좋다.",
	"الكتاب على الطاولة",
	"यह एक छोटा वाक्य है।",
	"πάντα ρει",

	/* paragraphs */
	"The museum reopened in spring after four years of restoration. Visitors enter through the old stables now, "
	"and the collection of maps, which used to fill three dark rooms, hangs in daylight for the first time. "
	"Tickets are sold at the gate; children pay nothing.",
	"To install the pump, close the main valve, drain the pipe and remove the rusty flange. Clean both surfaces "
	"with a wire brush. Put the new gasket in place, tighten the bolts crosswise, open the valve slowly and look "
	"for leaks. Do not run the pump dry: its bearings are cooled by the water.",
	"In the second quarter revenue grew by 4.2 % to 318 million, while costs for energy fell. The board expects "
	"a flat third quarter and has postponed the decision on the plant in Porto until the new tariffs are known. "
	"Shares lost two per cent in early trading and recovered by noon.",
	"Dear all, as some of you have noticed, the lift will be out of order from Monday to Thursday next week. "
	"Deliveries can be left with the caretaker on the ground floor. Whoever cannot take the stairs should call "
	"me before Friday so that we find a solution together. Sorry for the trouble, and thanks for your patience.",
	NULL
};
