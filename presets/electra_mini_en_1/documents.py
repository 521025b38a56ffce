"""Readers: one file of documentation -> its titles and paragraphs, in order.

Each gives a list of (kind, text) with kind "title" or "text"; code, navigation
and tables of links are left out.
"""
import gzip
import html
import re
import zlib

import yaml

SKIPPED = re.compile(r"<(script|style|pre|nav|footer|svg|noscript|textarea|select|head)\b[^>]*(?<!/)>.*?</\1\s*>"
                     r"|<!--.*?-->", re.DOTALL | re.IGNORECASE)
BLOCKS = {"p", "div", "li", "dd", "dt", "td", "th", "br", "tr", "ul", "ol", "dl", "table", "section", "article",
          "blockquote", "body", "h1", "h2", "h3", "h4", "h5", "h6", "main", "details", "summary"}
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*>|<[!?][^>]*>")
NUMBERING = re.compile(r"^(?:chapter|section|appendix|part)?\s*(?:[0-9A-Z]{1,3}\.)+(?:[0-9]+\.?)*\s+", re.IGNORECASE)


def read_text(path):
    """A file's text, unpacked where its name or its content says so."""
    content = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    return content.decode("utf-8", "replace")


def squeeze(text):
    return " ".join(text.replace("¶", " ").replace("\u200b", "").split())


def as_title(text):
    return NUMBERING.sub("", squeeze(text)).strip("# ")


def read_html(path):
    """Blocks of an HTML page; a block most of which is links is navigation."""
    page = SKIPPED.sub("", read_text(path))
    blocks, pieces = [], []
    linked = total = position = 0
    in_link = in_title = False
    for tag in TAG.finditer(page):
        if tag.start() > position:
            piece = page[position:tag.start()]
            pieces.append(piece)
            total += len(piece)
            linked += len(piece) if in_link else 0
        position = tag.end()
        opening, name = tag.group(1) == "", (tag.group(2) or "").lower()
        if name == "a":
            in_link = opening
        elif name in BLOCKS:
            text = squeeze(html.unescape("".join(pieces)))
            if text and in_title:
                blocks.append(("title", as_title(text)))
            elif text and linked * 2 <= total:
                blocks.append(("text", text))
            pieces, linked, total = [], 0, 0
            if name[0] == "h":
                in_title = opening
    return blocks


def read_markdown(path):
    """Paragraphs and headings of a Markdown file, without code and link targets."""
    text = re.sub(r"^(```|~~~).*?^\1", "", read_text(path), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->|<[^>\n]+>", "", text, flags=re.DOTALL)
    text = re.sub(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", text)
    blocks = []
    for block in re.split(r"\n\s*\n|\n(?=\s*[-*#|] )|(?<=^#)(?=\n)", text):
        if re.match(r"\s*(\||\[[^\]]*\]:|    )", block):
            continue
        plain = squeeze(re.sub(r"[`*]|(?<!\w)_|_(?!\w)", "", re.sub(r"^\s*([-*+]|[0-9]+\.)\s", "", block)))
        if block.lstrip().startswith("#"):
            blocks.append(("title", as_title(plain.lstrip("# "))))
        elif plain:
            blocks.append(("text", plain))
    return blocks


def read_pod(path):
    """Paragraphs and headings of Perl's documentation format."""
    blocks = []
    for block in re.split(r"\n\s*\n", read_text(path)):
        for _ in range(3):          # C<...> within B<...>
            block = re.sub(r"[A-Z]<(?:<+ )?(?:[^<>|]*\|)?([^<>]*)(?: >+)?>", r"\1", block)
        command = re.match(r"=(head[1-4]|item)\s+(.*)", block, re.DOTALL)
        if command:
            blocks.append(("title", as_title(command.group(2))))
        elif block and not block[0].isspace() and block[0] != "=":
            blocks.append(("text", squeeze(block)))
    return blocks


def dictionary_entries(path):
    """[(headword, definition)] of a dictd database, in the order of the file."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    digits = {c: i for i, c in enumerate(alphabet)}

    def number(text):
        value = 0
        for c in text:
            value = value * 64 + digits[c]
        return value

    body = gzip.decompress(path.read_bytes())
    index = path.with_name(path.name.replace(".dict.dz", ".index"))
    entries = {}
    for line in index.read_text(encoding="utf-8").splitlines():
        word, start, length = line.split("\t")[:3]
        if not word.startswith("00"):
            entries.setdefault((number(start), number(length)), word)
    return [(word, body[start:start + length].decode("utf-8", "replace"))
            for (start, length), word in sorted(entries.items())]


def read_dictionary(path):
    blocks = []
    for word, definition in dictionary_entries(path):
        blocks.append(("title", word))
        for paragraph in re.split(r"\n\s*\n", definition):
            blocks.append(("text", squeeze(re.sub(r"[{}_]", "", paragraph))))
    return blocks


def read_austen(path):
    """The novels in an R database: zlib streams that hold lines of text as R strings.

    A string is its flags (type 9), its length and its bytes; an empty line
    ends a paragraph.
    """
    content = path.read_bytes()
    blocks, lines = [], []
    for stream in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", content):
        try:
            data = zlib.decompressobj().decompress(content[stream.start():])
        except zlib.error:
            continue
        position = 0
        while (position := data.find(b"\x00\x09", position)) >= 0:
            length = int.from_bytes(data[position + 2:position + 6], "big")
            line = data[position + 6:position + 6 + length]
            position += 6 + length if length < 200 else 2
            if length >= 200:
                continue
            if length == 0:
                blocks.append(("text", squeeze(" ".join(lines).replace("_", ""))))
                lines = []
            else:
                lines.append(line.decode("utf-8", "replace"))
    return [block for block in blocks if block[1]]


def read_conversations(path):
    """Questions and answers, each a text of its own."""
    blocks = []
    for turns in yaml.safe_load(read_text(path))["conversations"]:
        blocks += [("text", squeeze(str(turn))) for turn in turns]
    return blocks


def read_applications(path):
    """Summaries and descriptions of applications from the archive's DEP-11 index."""
    blocks = []
    for document in read_text(path).split("\n---\n")[1:]:
        # Only these keys are read: parsing all of 20 MB of YAML takes minutes.
        wanted = re.findall(r"^(?:Name|Summary|Description):\n(?:  .*\n|\n)*", document, re.MULTILINE)
        about = yaml.load("".join(wanted), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
        name, summary = (about.get(key, {}).get("C", "") for key in ("Name", "Summary"))
        if not name or not summary:
            continue
        blocks.append(("title", squeeze(f"{name}: {summary}")))
        for paragraph in re.split(r"</?(?:p|li|ul|ol)>", about.get("Description", {}).get("C", "")):
            blocks.append(("text", squeeze(html.unescape(re.sub(r"<[^>]+>", "", paragraph)))))
    return [block for block in blocks if block[1]]
