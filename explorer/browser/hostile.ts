// Facts of someone who means harm, or whose texts are merely unusual.

export interface Fact {
  known_id: number;
  subject: string;
  attribute: string;
  prompt: string;
}

/** What runs if the page takes a text for more than that. */
const DEED = "window.deed=1";

const SUBJECTS = [
  `<script>${DEED}</script>`,
  `</script><script>${DEED}//`,
  `"><img src=x onerror=${DEED}>`,
  `'><svg/onload=${DEED}>`,
  `<!--<script>${DEED}`,
  `]]>&lt;b&gt;&amp;&#0;`,
  `javascript:${DEED}`,
  "null\u0000byte",
  "\u202eelbatpecca\u202c \u05e9\u05dc\u05d5\u05dd",
  "line\r\nend\ttab\u2028\u2029",
  "\ufeff\ufffe\u200b\u00ad e\u0301\u0301\u0301",
  "=1+1",
];

/** The last prompt is far too long for the model. */
export const HOSTILE_FACTS: Fact[] = [...SUBJECTS.map((subject) => `${subject} is in`), `${SUBJECTS[0]} ${"long ".repeat(20_000)}`].map(
  (prompt, at) => ({ known_id: at, subject: SUBJECTS[at] ?? SUBJECTS[0] ?? "", attribute: at % 2 ? "<" : "\"", prompt }),
);

/** A name for a folder. */
export const HOSTILE_NAME = `<img src=x onerror=${DEED}>&quot;'\u202e`;
