#!/usr/bin/env python3
"""Records what sentence-transformers computes for some hundred texts.

    make_embed_golden.py MODEL_DIR [OUTPUT]

The output (golden/minilm_embeddings.json) holds the texts, the
vectors as base64 of little-endian float32, the versions that computed them and
the SHA-256 of the weights, so that embed_parity.py needs neither torch nor the
network.  Each text is encoded alone, in fp32, on one thread.
"""
import base64
import hashlib
import json
import os
import random
import sys
import unicodedata

import sentence_transformers
import torch
import transformers

SENTENCES = """
The quick brown fox jumps over the lazy dog.
A man is eating food.
A woman is playing the violin on the balcony!
How do I reset my password?
PostgreSQL stores its data in 8 kB pages.
Nothing leaves the server: no Python, no network, no extra threads.
It's 5 o'clock somewhere, isn't it?
e = mc^2; a/b != b/a (mostly), 100% sure...
https://www.example.org/path?query=1&other=two#fragment
user.name+tag@example.co.uk
ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators
antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis
Der Fluß trat über die Ufer, und die Straßen waren überschwemmt.
Où est la bibliothèque ? Ça dépend de l'été.
El niño comió piñas en la montaña.
Příliš žluťoučký kůň úpěl ďábelské ódy.
Pchnąć w tę łódź jeża lub ośm skrzyń fig.
Árvíztűrő tükörfúrógép
İstanbul'da ılık bir akşam ve ığdır.
Þórður og Ægir sögðu já.
Tiếng Việt có nhiều dấu thanh.
Η γρήγορη καφετιά αλεπού πηδάει. ΟΔΥΣΣΕΥΣ
Съешь же ещё этих мягких французских булок.
Їжак і ґава сиділи на ганку.
Կարճ նախադասություն հայերեն լեզվով։
ქართული ენა ძალიან ლამაზია.
השפה העברית נכתבת מימין לשמאל.
بسم الله الرحمن الرحيم، السلام عليكم
این یک جملهٔ فارسی است.
اردو ایک خوبصورت زبان ہے۔
ܫܠܡܐ ܥܠܝܟܘܢ
ދިވެހި ބަސް
नमस्ते दुनिया, यह हिन्दी है।
বাংলা ভাষা খুব সুন্দর।
ਪੰਜਾਬੀ ਭਾਸ਼ਾ
ગુજરાતી ભાષા
ଓଡ଼ିଆ ଭାଷା
தமிழ் மொழி இனிமையானது.
తెలుగు భాష
ಕನ್ನಡ ಭಾಷೆ
മലയാളം ഭാഷ
සිංහල භාෂාව
ภาษาไทยไม่มีช่องว่างระหว่างคำ
ພາສາລາວ
བོད་སྐད་
မြန်မာဘာသာ
ភាសាខ្មែរ
አማርኛ ቋንቋ
ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ
ᐃᓄᒃᑎᑐᑦ
ᚠᚢᚦᚨᚱᚲ
ᚁᚂᚃᚄᚅ
ᠮᠣᠩᠭᠣᠯ
𐌲𐌿𐍄𐌹𐍃𐌺
𓀀𓀁𓂀
中文文本没有空格。
繁體中文的句子。
日本語の文章です。カタカナとひらがな。
ﾊﾝｶｸ ｶﾀｶﾅ と ＦＵＬＬＷＩＤＴＨ
한국어 문장입니다.
한국어
ㄅㄆㄇㄈ ㄍㄎㄏ
ꆈꌠꉙ
𝒜𝓂𝒶𝓏𝒾𝓃ℊ 𝕞𝕒𝕥𝕙 ∑∫√∞ ≠ ±
emoji 😀🎉👨‍👩‍👧‍👦🏳️‍🌈 ❤️ text
mixed 中文 and русский and عربي and ελληνικά in one line
café cafe\u0301 CAFÉ
a[MASK]b [mask] [CLS] [SEP] [PAD] [UNK]
##hello ## hash
soft\u00adhyphen zero\u200bwidth no\u00a0break line\u2028separator \u3000 ideographic
\u0085next line\u000bvertical\u000cform
\ufffd\ue000\ufeff
½ ¼ ² ³ ﬁ ﬂ … ‥ ™ №
\U0002b820 \U0002b920 \U0002ee43
""".strip("\n").split("\n")

WORDS = ("the of and to in a is that for it as was with be by on not he his but at are this have "
         "from or had an they which one you were all her she there would their we him been has when "
         "who will no more if out so up said what its about than into them can only other time new "
         "some could these two may first then do any like my now over such our man me even most made "
         "after also did many off before must well back through years where much your way down should "
         "because long each just state those people too mr how little good world make very year still "
         "see own work men day get here old between both life being under three never know same last "
         "another while us great since against go right came take used himself few house use place "
         "american during without again home around small however found database vector semantic "
         "search encoder transformer tokenizer attention embedding similarity retrieval query index "
         "photosynthesis jurisprudence thermodynamics archipelago").split()


def page_texts():
    """One text for each page of 256 code points with assigned characters: every script."""
    rng = random.Random(20260701)
    skipped = 0
    for first in range(0x100, 0x30000, 0x100):
        if 0x3400 <= first < 0xD800 or 0x12000 <= first < 0x18D00 or first >= 0x20000:
            skipped += 1
            if skipped % 24:
                continue
        chars = [chr(c) for c in range(first, first + 0x100)
                 if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
        if chars:
            yield "".join(rng.choice(chars) for _ in range(12)) + " and " + rng.choice(WORDS)


def build_texts():
    rng = random.Random(384)
    texts = ["", " ", " \t\n ", "\u00a0\u3000", ".", "a", "?!"]
    texts += SENTENCES
    texts.append("tabs\tand\nnew\r\nlines")
    texts += list(page_texts())
    for words in list(range(1, 60)) + list(range(64, 260, 12)) + [253, 254, 255, 256, 400, 513, 600, 1000]:
        text = " ".join(rng.choice(WORDS) for _ in range(words))
        texts.append(text[0].upper() + text[1:] + ".")
    texts.append("x" * 100)
    texts.append("x" * 101)
    texts.append("\u00e9" * 300)
    texts.append("word" * 5000)
    texts.append("\u4e2d\u6587" * 600)
    texts.append("!" * 700)
    return texts


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    directory = sys.argv[1]
    output = sys.argv[2] if len(sys.argv) == 3 else os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "golden", "minilm_embeddings.json")

    torch.set_num_threads(1)
    model = sentence_transformers.SentenceTransformer(directory, device="cpu")
    texts = build_texts()
    vectors = b"".join(model.encode([text], batch_size=1)[0].astype("<f4").tobytes() for text in texts)
    with open(os.path.join(directory, "model.safetensors"), "rb") as weights:
        digest = hashlib.sha256(weights.read()).hexdigest()

    golden = {
        "versions": {
            "sentence-transformers": sentence_transformers.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
            "python": sys.version.split()[0],
        },
        "model.safetensors": digest,
        "dimensions": len(vectors) // 4 // len(texts),
        "texts": texts,
        "vectors": base64.b64encode(vectors).decode("ascii"),
    }
    with open(output, "w", encoding="ascii") as file:
        json.dump(golden, file, indent=0)
        file.write("\n")
    print(f"{len(texts)} texts, {golden['dimensions']} dimensions, {os.path.getsize(output)} bytes: {output}")


if __name__ == "__main__":
    main()
