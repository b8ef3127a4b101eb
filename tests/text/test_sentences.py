"""Sentences and their places, in several languages and on arbitrary texts."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from storyclust.text.sentences import Sentence, split_sentences


def strings(text):
    return [sentence.string for sentence in split_sentences(text)]


# A bar stands between sentences; the white space around it is what the text has there.
GOLDEN = {
    "plain": "Talks opened.| They went on for hours.| Nobody left",
    "question and exclamation": "Who won?| She did!| Really?!| Yes.",
    "titles": "Mr. Rao met Dr. Lee and Sen. Ortiz on St. Brannoc Street.| Mrs. Vale was absent.",
    "initials": "S. Jaishankar spoke first.| J. R. R. Marsh and O. P. Singh followed.| They agreed.",
    "initials alone": "Envoys met S. Jaishankar.| M. Kamikawa came later.",
    "dotted names": "The U.S. Senate voted.| The U.N. Security Council waits.| Envoys of the U.S. left.",
    "times of day": "It began at 9 a.m. on Friday and ended at 5 p.m. that day.| All was quiet.",
    "decimals": "Prices rose 5.8 percent.| The index fell to 1,203.75 points.| Version 2.0.1 is out.",
    "decimal at the end": "Pay rose by 5.8.| The union agreed.",
    "addresses": "Write to desk@harbourpost.example or see www.harbourpost.example for more.| Thanks.",
    "months and numbers": "On Jan. 5 the No. 2 reactor was closed.| It reopened on Sept. 12.| All is well.",
    "companies": "Halden Cement Co. and Ostra Ltd. agreed.| Arbor Mills Inc. did not.",
    "quotation": '"We will not go," he said.| "We stay!" she said.| "Why?" asked others.',
    "quoted sentence": "“We met.”| They parted.| ‘It is over.’| She left.",
    "stop inside and outside": 'He called it "a farce."| (Nobody laughed.)| It rained.',
    "quotation of several sentences": "“We met. We talked. All is well,” said Rao.| “Is it?”| He left.",
    "straight quotation of several": '"We met. We talked," said Rao.| "Well?"| It rained.| "Why? How?"',
    "quotation that does not close": "“We met.| We talked.| All is well.",
    "quotation closed too late": f"“We met.| {'And talked of rain ' * 12}.| All is well,” he said.",
    "quotation opened again": "“We met.| “We talked.”| All is well.",
    "straight marks for inches": 'A pipe of 5" was laid.| It was 3" too wide.| All is well.',
    "German quotation of several": "„Wir gehen. Es ist spät“, sagte sie.| „Ja.“| Er ging.",
    "German guillemets": "»Wir gehen«, sagte sie.| Es war spät.| »Ja«, sagte er.",
    "French quotation of several": "« Nous partons. Il est tard », dit-elle.| Il rit.",
    "Japanese quotation of several": "外相は「会談した。成果があった」と述べた。|「行く。帰る」。|終わった。",
    "Hindi titles": "डॉ. राव मंत्री से मिले।| प्रो. सिंह भी आए।| सब खुश हैं।",
    "Hindi quotation": "मंत्री ने कहा, “हम मिले। सब ठीक है।”| फिर वे गए।",
    "Vietnamese": "TP. Carrow đón khách .| Họ vui .| PGS. Lan nói vậy.",
    "ellipsis": "He paused... and went on.| Then...| Nothing happened.| And so…| The end.",
    "ellipsis before a small letter": "Well… maybe not.| Perhaps.",
    "brackets": "The ship (built in 1970) sank.| [It was insured.]| Nobody knew.",
    "no stop at the end": "First sentence.| Second one without a stop",
    "digits after a stop": "The bill passed.| 640 members voted.",
    "French": "Le pont est fermé.| M. Girard et Mme. Roux l'ont dit mardi.| Est-ce grave ?| Oui !",
    "French quotation": "« Nous partons. »| Il est parti.| « Où est-il ? » dit-elle.| « Là ! »| Voilà.",
    "French quotation with fixed spaces": "«\u00a0Oui.\u00a0»| Il part.| «\u202fOù\u202f?\u202f»| Rien.",
    "French quotation inside": "« Le four est en face », dit-elle, « et à une demi-heure ».| Elle rit.",
    "German": "Die Fähre lief auf.| „Es war dunkel.“| Niemand starb.",
    "Spanish": "¿Quién ganó?| ¡Ella!| El río subió 5,8 metros.",
    "Japanese": "両相は会談した。|共同声明は出なかった。|本当か？|本当だ！",
    "Japanese quotation": "「成果があった。」と述べた。|外相は「会談は終わった」と話した。|「次は東京だ」。",
    "Chinese": "会谈在东京举行。|双方没有达成协议！|为什么？",
    "half-width full stop": "会談した｡|終わった｡",
    "Hindi": "बैठक शुरू हुई।| सब लोग आए। |क्या यह सच है?| हाँ।",
    "Urdu": "ملاقات ختم ہوئی۔| وہ چلے گئے۔| کیا یہ سچ ہے؟| ہاں۔",
    "Arabic": "انتهى الاجتماع.| هل اتفقوا؟| نعم!| ثم غادروا.",
    "Russian": "Встреча закончилась.| Кто победил?| Она!",
    "lines": "A headline without a stop\n|First sentence.| Second.\n|Third",
    "blank lines": "First paragraph.\n\n\n|Second one\n \n|Third.",
    "CRLF": "First line\r\n|Second line.\r\n\r\n|Third.| Fourth\r\n",
    "carriage returns and separators": "One\r|two\u2028|three\u2029|four",
    "white space around": "  \t One.  | Two. \n ",
    "repeated stops": "What??| No!!!| Stop...| Go.",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_sentences_of_the_example_texts(name):
    marked = GOLDEN[name]
    assert strings(marked.replace("|", "")) == [part.strip() for part in marked.split("|") if part.strip()]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\r\n \t\u3000"])
def test_empty_texts_have_no_sentences(text):
    assert split_sentences(text) == []


@pytest.mark.parametrize("text", [".", "...", "?!", "。", "»", "“”", "- - -", "|"])
def test_punctuation_alone_is_one_sentence(text):
    assert strings(text) == [text]


def test_a_sentence_is_a_string_and_its_place():
    text = " One.\n Two. "
    assert split_sentences(text) == [Sentence("One.", 1, 5), Sentence("Two.", 7, 11)]


PIECES = [
    *(
        "Talks",
        "ended",
        "U.S.",
        "S.",
        "Mr.",
        "5.8",
        "a",
        "No",
        "東京",
        "会談した",
        "と",
        "बैठक",
        "هل",
        "été",
        "\U0001f600",
    ),
    *(
        ".",
        "!",
        "?",
        "...",
        "…",
        "。",
        "！",
        "।",
        "؟",
        '"',
        "“",
        "”",
        "「",
        "」",
        "«",
        "»",
        ")",
        "(",
        ",",
        "、",
    ),
    *(
        " ",
        " ",
        " ",
        "  ",
        "\n",
        "\r\n",
        "\t",
        "\u00a0",
        "\u2028",
        "\u2029",
        "\u3000",
        "\x0b",
        "\x1c",
        "\x85",
    ),
]


@given(st.one_of(st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(max_size=60)))
@example("a.\u00a0B.")
@example("\ud800. X")
def test_sentences_are_in_order_and_only_white_space_is_lost(text):
    sentences = split_sentences(text)
    end = 0
    for sentence in sentences:
        assert text[sentence.start : sentence.end] == sentence.string
        assert sentence.string == sentence.string.strip()
        assert sentence.string
        assert sentence.start >= end
        assert not text[end : sentence.start].strip()
        end = sentence.end
    assert not text[end:].strip()


@given(
    st.lists(
        st.sampled_from(["Talks ended.", "Who won?", "It rained all day!", "Envoys met S. Rao."]), max_size=8
    )
)
def test_sentences_joined_are_split_again(parts):
    assert strings(" ".join(parts)) == parts
    assert strings("\n".join(parts)) == parts


def test_long_texts_and_long_words():
    assert len(split_sentences("Word word. " * 20_000)) == 20_000
    assert len(split_sentences("x" * 200_000)) == 1
    assert len(split_sentences("." * 100_000)) == 1
    assert len(split_sentences("a" * 50_000 + ".")) == 1


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("Am 31. August kam er.", 1),
        ("The court upheld Roe v. Wade. Few were surprised.", 2),
        ("Der 3. Platz ging an Bonn. Das freute viele.", 2),
        ("Er wurde 31. Danach ging er.", 2),
        ("Sie kaufte z. B. Brot. Dann ging sie.", 2),
        ("Il y avait env. 300 personnes.", 1),
        ("Ils sont env. Paris le sait.", 2),
        ("He said no. Nobody moved.", 2),
        ("No. 5 was shut. It leaked.", 2),
        ("They sold bread, milk etc. The shop closed.", 2),
        ("It ended at 7 p.m. Monday. It rained.", 2),
        ("It ended at 7 p.m. It rained.", 2),
        ("EE. UU. firmó. Fin.", 2),
        ("Он живет в г. Орле. Там тихо.", 2),
        ("Это было в 1997 г. Завод закрыли.", 2),
        ("Купили хлеб и т. д. Потом ушли.", 2),
        ("Купили, т. е. Иван купил. Потом ушли.", 2),
    ],
)
def test_abbreviations_and_ordinals_of_many_languages(text, n):
    assert len(split_sentences(text)) == n


@pytest.mark.parametrize(("name", "least"), [("sentences_gold", 0.94), ("sentences_held_out", 0.92)])
def test_most_gold_texts_are_split_without_a_fault(name, least):
    gold = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    right = []
    for lang, texts in gold.items():
        space = "" if lang in ("ja", "zh") else " "
        right += [strings(space.join(sentences)) == sentences for sentences in texts]
    assert sum(right) / len(right) >= least


@pytest.mark.parametrize("follower", ["を", "と", "って", "など、"])
def test_a_particle_after_a_quotation_goes_on_with_the_sentence(follower):
    text = f"野村氏は「行くぞ！」{follower}選手に話した。"
    assert [sentence.string for sentence in split_sentences(text)] == [text]
