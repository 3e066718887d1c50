// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are those of Go
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { InputError } from "./errors.ts";
import { assertWithin } from "./patience.test.support.ts";
import { compileRegex, compileSearchRegex, compileSelectorRegex } from "./regex.ts";
import { readRegexShape } from "./regex-shape.ts";

test("compileRegex matches whole texts", () => {
  const yes = (pattern: string, ...texts: string[]) => {
    for (const text of texts) assert.equal(compileRegex(pattern).matches(text), true, `${pattern} on ${text}`);
  };
  const no = (pattern: string, ...texts: string[]) => {
    for (const text of texts) assert.equal(compileRegex(pattern).matches(text), false, `${pattern} on ${text}`);
  };
  yes("", "");
  no("", "a");
  yes("foo", "foo");
  no("foo", "", "fo", "fooo", "xfoo", "foo\n");
  yes("foo|bar", "foo", "bar");
  no("foo|bar", "foobar", "fobar");
  yes("^foo$", "foo");
  yes("^foo|bar$", "foo", "bar");
  yes(".*", "", "a", "🜚");
  no(".*", "a\nb", "\n");
  yes(".+", "a", "🜚");
  no(".+", "", "\n");
  yes("foo.*", "foo", "foobar");
  no("foo.*", "fo", "xfoo");
  yes(".+foo", "xfoo", "foofoo");
  no(".+foo", "foo");
  yes(".*foo.*bar.*", "foobar", "1foo2bar3", "foofoobarbar");
  no(".*foo.*bar.*", "barfoo", "fobar");
  yes("a.*a", "aa", "aba");
  no("a.*a", "a");
  no("a.+a", "aa");
  yes("4..|5..", "404", "500");
  no("4..|5..", "40", "300");
  yes("node-(a|b):9100", "node-a:9100");
  yes("node_memory_Mem(Free|Available)_bytes", "node_memory_MemFree_bytes");
  yes("[ab]x?", "a", "bx");
  yes("(?i)foo", "FOO", "foo");
  yes("(?s).*", "a\nb");
  yes("(?s:.*)", "a\nb", "");
  yes("(?s:^a.*b$)", "a\nb", "ab");
  yes("(?s:a.+)", "a\n");
  no("(?s:a.+)", "a");
  yes("(?s:a.b)", "a\nb");
  yes("(?s:a.*)|(?:b.*)", "a\n", "b");
  no("(?s:a.*)|(?:b.*)", "b\n", "(?s:a)");
  yes("\\d+", "123");
  no("\\d+", "12a");
  yes("a|ab", "ab");
  yes("\\pL+", "Київ");
  no("..", "🜚");
  yes("(?P<name>a)", "a");
  yes("foo\\.bar", "foo.bar");
  no("foo\\.bar", "fooxbar");
  yes("\\Qa.b\\E", "a.b");
  no("a\\z|b", "c");
});

test("compileRegex knows finite sets, prefixes and the empty text", () => {
  const knows = (pattern: string, literals: string[] | null, prefix: string, matchesEmpty: boolean) => {
    const matcher = compileRegex(pattern);
    assert.deepEqual(matcher.literals, literals, pattern);
    assert.equal(matcher.prefix, prefix, pattern);
    assert.equal(matcher.matchesEmpty, matchesEmpty, pattern);
  };
  knows("", [""], "", true);
  knows("foo", ["foo"], "foo", false);
  knows("foo|bar|foo", ["foo", "bar"], "", false);
  knows("foo|", ["foo", ""], "", true);
  knows("web-(1|2)[ab]", ["web-1a", "web-1b", "web-2a", "web-2b"], "web-", false);
  knows("colou?r", ["colour", "color"], "colo", false);
  knows("foo.*", null, "foo", false);
  knows("foo\\d+", null, "foo", false);
  knows("foo1+", null, "foo1", false);
  knows("foo1*", null, "foo", false);
  knows("(foo|fox)\\d", null, "fo", false);
  knows("(?i)foo", null, "", false);
  knows("(?s:foo|bar)", ["foo", "bar"], "", false);
  knows("(?s:^foo.*$)", null, "foo", false);
  knows("(?s:foo)|(bar)", null, "", false);
  knows(".*", null, "", true);
  knows("a{2}", null, "", false);
  knows("a{,2}", ["a{,2}"], "a{,2}", false);
});

test("compileRegex refuses what is not RE2", () => {
  const fails = (pattern: string, message: RegExp, column = 1) => {
    assert.throws(
      () => compileRegex(pattern),
      (error: unknown) => {
        assert.ok(error instanceof InputError, pattern);
        assert.match(error.message, message);
        assert.equal(error.status, 400);
        assert.equal(error.column, column, pattern);
        return true;
      },
    );
  };
  fails("(", /missing closing \)/);
  fails("a|(", /missing closing \)/);
  fails("[a", /missing closing \]/);
  fails("foo)", /unexpected \)/);
  fails("*a", /missing argument to repetition operator/);
  fails("a**", /invalid nested repetition operator/, 2);
  fails("a\\8", /invalid escape sequence/, 2);
  fails("x(?=a)", /unsupported Perl syntax/, 2);
  fails("(?<=a)b", /invalid named capture/);
  fails("a{2,1}", /invalid repeat count/, 2);
  fails("a{1001}", /invalid repeat count/, 2);
  fails("\\", /trailing backslash/);
  fails("[b-a]", /invalid character class range/, 2);
  fails("(a{20}){100}", /invalid repeat count/, 8);
  fails(".{1000}".repeat(100), /want at most 8000 instructions/);
});

test("hostile patterns cost less than 50 ms", () => {
  const patterns = [
    "((((a{100}){100}){100}){100}){100}",
    "((a{0,100}){0,100})",
    ".{1000}".repeat(2000),
    "(.{900}|.{900})".repeat(4),
    "\\pL".repeat(5000),
    "[\\pL]|".repeat(2300),
    `(?i)${"[B-\\x{1E900}]".repeat(1000)}`,
    `(?i)${"[B-\u{1E900}]".repeat(1000)}`,
    "((a*)*)*".repeat(2000),
    "(".repeat(16_000),
    ")".repeat(16_000),
    "[".repeat(16_000),
    "a?".repeat(8000),
    "(a|b)".repeat(3000),
    "[ab]".repeat(4000),
    "(a|b|)".repeat(2000),
    "{1}".repeat(5000),
    "a{1}".repeat(4000),
    "(?:".repeat(5000),
    "|".repeat(16_000),
    "(?i:".repeat(4000),
  ];
  compileRegex("[a-z]+\\d");
  for (const pattern of patterns) {
    let round = 0;
    // Another pattern each time: compiled ones are kept.
    const compile = (): void => {
      try {
        compileRegex(`${pattern}${" ".repeat(round++)}`).matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
      } catch (error) {
        assert.ok(error instanceof InputError, String(error));
      }
    };
    assertWithin(50, compile, `${pattern.slice(0, 30)}…`);
  }
});

test("compileRegex knows a text that a pattern cannot do without", () => {
  const needs = (pattern: string, needle: string) => assert.equal(compileRegex(pattern).needle, needle, pattern);
  needs(".*-77.7[.].*", "-77");
  needs(".*error.*", "error");
  needs("a.*(bc[.]d)+e?", "bc.d");
  needs("[0-9]+", "");
  needs("foo|bar", "");
  needs("x(foo|bar)?yz", "yz");
  needs("(?i)abc", "");
  needs("\\pLabc", "");
  needs("\\x41bc", "");
  needs("\\dabc", "abc");
  needs("ab{0,2}cd", "cd");
});

test("long lists of words need no engine", () => {
  const words = Array.from({ length: 8000 }, (_, i) => `host-${i}`);
  const matcher = compileRegex(words.join("|"));
  assert.deepEqual(matcher.literals, words);
  assert.equal(matcher.prefix, "host-");
  assert.ok(matcher.matches("host-7999") && !matcher.matches("host-8000"));
});

/** Pieces from which random patterns are put together: plain ones, for the shortcuts, and some for the engine. */
const PIECES = [
  "a",
  "b",
  "ab",
  ".*",
  ".+",
  ".",
  "|",
  "(a|b)",
  "(?:",
  "(",
  ")",
  "[ab]",
  "[^a]",
  "?",
  "*",
  "+",
  "{2}",
  "^",
  "$",
  "\\.",
  "\\d",
  "-",
  "(?i)",
  "ß",
  "🜚",
  "\n",
  "[a-c]",
  "{",
  "\\n",
];

test("matches as the engine does, whatever the shortcut", () => {
  const plain = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => pieces.join(""));
  const pattern = fc.oneof(
    plain,
    plain.map((inner) => `(?s:${inner})`),
  );
  const text = fc.array(fc.constantFrom("a", "b", "ab", "A", ".", "-", "\n", "ß", "🜚", "1", "{"), { maxLength: 6 });
  fc.assert(
    fc.property(pattern, fc.array(text, { minLength: 4, maxLength: 8 }), (source, texts) => {
      let engine: RE2JS | null = null;
      try {
        engine = RE2JS.compile(source);
      } catch {
        assert.throws(() => compileRegex(source), InputError, source);
        return;
      }
      const matcher = compileRegex(source);
      assert.equal(matcher.matchesEmpty, engine.testExact(""), `matchesEmpty of ${source}`);
      for (const words of texts) {
        const subject = words.join("");
        const wanted = engine.testExact(subject);
        assert.equal(matcher.matches(subject), wanted, `${source} on ${JSON.stringify(subject)}`);
        if (wanted) assert.ok(subject.startsWith(matcher.prefix), `prefix of ${source}`);
        if (wanted) assert.ok(subject.includes(matcher.needle), `needle of ${source}`);
        if (wanted && matcher.literals !== null) assert.ok(matcher.literals.includes(subject), `literals of ${source}`);
      }
    }),
    { seed: 20240101, numRuns: 6000 },
  );
});

test("readRegexShape bounds the size of every program", () => {
  const pattern = fc.array(fc.constantFrom(...PIECES, "{3,5}", "{2,}", "\\pL", "\\x{1F}", "x", "(?:ab|c)"), {
    maxLength: 12,
  });
  fc.assert(
    fc.property(pattern, (pieces) => {
      const source = pieces.join("");
      let size = 0;
      try {
        size = RE2JS.compile(source).programSize();
      } catch {
        return;
      }
      assert.ok(readRegexShape(source).size * 2 + 8 >= size, `${source}: ${readRegexShape(source).size} for ${size}`);
    }),
    { seed: 20240102, numRuns: 3000 },
  );
});

test("expandWhole fills templates by Go's rules", () => {
  const same = (pattern: string, text: string, template: string, want: string | null) =>
    assert.equal(compileSearchRegex(pattern).expandWhole(text, template), want, `${pattern} on ${text}: ${template}`);
  same("(.*):.*", "node-a:9100", "$1", "node-a");
  same("(.*):.*", "node-a", "$1", null);
  same("(.*)-(.*):.*", "node-a:9100", "x-$1-$2", "x-node-a");
  same("(.*)-(.*):.*", "node-a:9100", "x_$1_$2", "x_a");
  same("(.*)-(.*):.*", "node-a:9100", "x_${1}_$2", "x_node_a");
  same("(?P<host>.*):(?P<port>.*)", "a:1", "${port}/$host", "1/a");
  same("a", "a", "$0$0", "aa");
  same("(a)", "a", "$1x", "");
  same("(a)", "a", "$999", "");
  same("(a)", "a", "$$1 $ ${1 ${} $", "$1 $ ${1 ${} $");
  same("(a)|(b)", "b", "<$1>", "<>");
  same("", "", "x", "x");
});

test("replaceAll replaces as Go does", () => {
  const same = (pattern: string, text: string, template: string, want: string) =>
    assert.equal(compileSearchRegex(pattern).replaceAll(text, template), want, `${pattern} on ${text}: ${template}`);
  same(":[0-9]+", "node-a:9100", "", "node-a");
  same("[0-9]", "a1b22", "<$0>", "a<1>b<2><2>");
  same("a*", "baaac", "x", "xbxcx");
  same("", "ab", "-", "-a-b-");
  same("", "🜚", "-", "-🜚-");
  same("^a", "aaa", "b", "baa");
  same("a$", "aaa", "b", "aab");
  same("\\ba", "aa a", "b", "ba b");
  same("x", "abc", "y", "abc");
  same("(a)(b)?", "aab", "[$2$1]", "[a][ba]");
});

test("compiled patterns are shared", () => {
  assert.equal(compileRegex("shared.*[0-9]"), compileRegex("shared.*[0-9]"));
  assert.equal(compileSearchRegex("shared"), compileSearchRegex("shared"));
});

test("in selectors the gaps of a plain pattern match line breaks; a dot that stands for one character does not", () => {
  const same = (pattern: string, text: string, matches: boolean): void =>
    assert.equal(compileSelectorRegex(pattern).matches(text), matches, `${pattern} on ${JSON.stringify(text)}`);
  for (const pattern of [".*", ".+", "a.*", "a.+b", ".*b", "a.*b", ".*\n.*", "(.+)", "(?:.*)", "(?s:.*)"])
    same(pattern, "a\nb", true);
  for (const pattern of [".", "a.b", "a.*|q", "(a|x).*", "(?i)a.*"]) same(pattern, "a\nb", false);
  same(".+", "", false);
  same(".*", "", true);
});
