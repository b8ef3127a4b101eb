"""Key terms: names as they are introduced, no repeats, no numbers, no function words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyclust as sc
from storyclust.summary.keywords import UsedWords, is_related

TEXTS = [
    (
        "Rao And Marsh Agree On Aldmouth Harbour Treaty",
        "Prime minister Anita Rao met Sen. J.D. Marsh in Aldmouth on Monday. Rao said the harbour treaty was "
        "ready. Mr. Marsh praised Rao's patience, and the Aldmouth Port Council did so too. The treaty ends "
        "12 years of talks on the harbour.",
    ),
    (
        "Harbour treaty signed in Aldmouth",
        "The harbour treaty was signed by Anita Rao and J.D. Marsh, D-Carrow, in 2024. The Aldmouth Port "
        "Council had asked for it. Treaties like this are rare, said Marsh.",
    ),
    (
        "What the treaty means",
        "A treaty on the harbour of Aldmouth was signed. Anita Rao called it good for all; J.D. Marsh "
        "agreed. The Aldmouth Port Council will see to it.",
    ),
]
DESK = [{"title": title, "text": text, "lang": "en"} for title, text in TEXTS]


def keywords(*texts, **fields):
    return sc.summarize([{"text": text, **fields} for text in texts]).keywords


def test_names_come_first_in_the_form_that_introduces_them():
    found = sc.summarize(DESK).keywords
    assert set(found[:3]) == {"Anita Rao", "J.D. Marsh", "Aldmouth"}
    assert "harbour treaty" in found
    assert found == sc.summarize(DESK[::-1]).keywords


def test_no_term_repeats_another():
    found = [
        word for term in sc.summarize(DESK).keywords for word in term.casefold().replace(".", " ").split()
    ]
    assert len(set(found)) == len(found)
    assert "treaties" not in found


def test_numbers_titles_and_function_words_are_no_terms():
    found = {word for term in sc.summarize(DESK).keywords for word in term.split()}
    assert not found & {"2024", "12", "Mr", "Sen", "the", "The", "on", "was", "D", "Carrow"}


def test_words_at_the_start_of_a_sentence_are_no_names_for_that():
    found = keywords(
        "Inflation fell in Carrow this spring. Inflation had been high. Nobody in Carrow expected inflation "
        "to fall.",
        "In Carrow inflation fell. Inflation is low, said the bank of Carrow.",
        lang="en",
    )
    assert found[0] == "Carrow"
    assert "inflation" in found
    assert "Inflation" not in found


def test_a_hyphen_and_its_number_stay_with_a_name():
    found = keywords(
        "A ward for COVID-19 opened in Carrow. Doctors said that COVID-19 spread.",
        "Carrow opens its COVID-19 ward. The COVID-19 ward is large.",
        lang="en",
    )
    assert "COVID-19" in found


def test_short_names_and_shouting():
    text = "ALDMOUTH HARBOUR (Post) - The EU said that it would go to Carrow. We go, said the EU."
    found = keywords(text, text.replace("said that", "thought"), lang="en")
    assert "EU" in found
    assert not any("ALDMOUTH" in term for term in found)


@pytest.mark.parametrize(
    "office",
    ["Prime Minister", "Senate Majority Leader", "Attorney General", "Secretary of State", "Chief of Staff"],
)
def test_names_are_shown_without_offices_and_weekdays_are_none(office):
    found = keywords(
        f"The treaty was signed by {office} Anita Rao on Monday. The treaty is good, Rao said.",
        f"On Monday {office} Anita Rao praised the treaty. Rao will be back next Monday.",
        lang="en",
    )
    assert "Anita Rao" in found
    assert not any("Monday" in term or "State" in term or "Staff" in term for term in found)


def test_an_office_alone_and_a_company_named_like_one_stay():
    text = "The union of General Motors struck. General Motors closed its plant, said the union of the plant."
    assert "General Motors" in keywords(text, lang="en")


@pytest.mark.parametrize(
    ("texts", "wanted", "unwanted"),
    [
        (
            [
                "ペ・ヨンジュンが汐見スタジアムで映画を語った。汐見スタジアムは満員だった。",
                "映画を見たペ・ヨンジュンは喜び、汐見スタジアムで手を振った。",
            ],
            {"ペ・ヨンジュン", "汐見スタジアム"},
            {"ヨンジュン", "汐見", "スタジアム"},
        ),
        (
            [
                "第24回汐見映画祭が開幕した。山田太郎氏が電話占いの映画を語った。",
                "汐見映画祭は今年も盛況のうちに終わった。山田太郎氏は観客の前で喜んだ。",
            ],
            {"汐見映画祭", "山田太郎"},
            {"回汐見映画祭", "山田太郎氏", "電話占"},
        ),
        (
            [
                "渡轮“塞尔卡号”星期一在奥德茅斯撞上码头，一百二十名乘客无人受伤，海事局正在调查。",
                "星期一清晨，塞尔卡号在大雾中撞上奥德茅斯的码头。海事局表示乘客平安。",
            ],
            {"塞尔卡号", "奥德茅斯", "码头"},
            {"星期一", "塞尔卡", "奥德茅斯撞上码头", "一百二十名乘客"},
        ),
        (
            [
                "भारत और जापान के बीच संधि पर बैठक हुई। संधि पर भारत सहमत है।",
                "जापान ने संधि का स्वागत किया। संधि भारत के लिए अच्छी है।",
            ],
            {"संधि"},
            {"के", "पर", "का"},
        ),
        (
            [
                "Thủ tướng Anita Rao đến Carrow hôm thứ hai. Anita Rao nói về hiệp ước.",
                "Anita Rao ký hiệp ước tại Carrow. Hiệp ước tốt.",
            ],
            {"Anita Rao", "Carrow"},
            {"Rao"},
        ),
        (
            [
                "Анита Рао приехала в Каррау в понедельник. Договор хорош, сказала Рао.",
                "В Каррау Анита Рао подписала наконец договор.",
            ],
            {"Анита Рао", "Каррау"},
            {"Рао"},
        ),
    ],
)
def test_other_scripts(texts, wanted, unwanted):
    found = set(keywords(*texts))
    assert wanted <= found
    assert not unwanted & found


@pytest.mark.parametrize(
    ("one", "other", "kin"),
    [
        ("ukraine", "ukrainian", True),
        ("china", "chinese", True),
        ("map", "maps", True),
        ("israel", "israeli", True),
        ("trump", "trump", True),
        ("iran", "iraq", False),
        ("port", "portland", False),
        ("carrow", "carriage", False),
        ("a", "b", False),
    ],
)
def test_kin(one, other, kin):
    assert is_related(one, other) is is_related(other, one) is kin


@given(
    st.lists(st.text("abmpst", min_size=1, max_size=8), max_size=6), st.text("abmpst", min_size=1, max_size=8)
)
def test_what_is_taken_is_found_as_by_looking_at_all(words, word):
    used = UsedWords()
    used.add(words)
    near = [other for other in words if other[:3] == word[:3]]
    assert used.has(word) == any(is_related(word, other) for other in near)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10_000,
        "X" * 10_000 + " Y.",
        "Aa " * 5_000,
        "\u202eRao met Marsh in Carrow today.\u202c",
        "A. " * 3_000,
        "O'" * 3_000,
    ],
)
def test_hostile_texts(text):
    found = keywords(text, text + " Again it was said in Carrow by Rao.")
    assert all(term == term.strip() and term for term in found)


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("ferry ", ("ferry ferry ferry",)),
        ("Selka ", ("Selka Selka Selka Selka",)),
        ("ferry pier ", ("pier ferry pier",)),
        ("Selka Aldmouth ", ("Selka Aldmouth Selka Aldmouth",)),
        ("船", ("船船",)),
        ("カナ", ()),
    ],
)
def test_a_megabyte_of_the_same_words_over_and_over(pattern, wanted):
    assert keywords(pattern * (1_000_000 // len(pattern.encode()))) == wanted


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("Kim Jong Un", "Kim Jong-un"),
        ("Theresa May", "Theresa May"),
        ("St. Louis", "St. Louis"),
        ("Ed Markey", "Ed Markey"),
        ("George W. Bush", "George Bush"),
        ("Bureau of Labor Statistics", "Bureau of Labor Statistics"),
        ("Deferred Action for Childhood Arrivals", "Deferred Action for Childhood Arrivals"),
        (
            "National Institute of Allergy and Infectious Diseases",
            "National Institute of Allergy and Infectious Diseases",
        ),
    ],
)
def test_names_are_whole(name, variant):
    found = keywords(
        f"The treaty was praised by {name} on Monday. The treaty is good, said Rao of {name}.",
        f"On Monday {name} praised the treaty. It was said that {variant} will be back.",
        f"It is said that {name} does not like the treaty of Carrow.",
        lang="en",
    )
    assert name in found
    assert sum(any(part in term for part in name.split() if part[0].isupper()) for term in found) == 1


def test_a_conjunction_parts_two_names():
    found = keywords(
        "The treaty was signed by Rao and Marsh on Monday. Rao praised it.",
        "A treaty was signed by Marsh on Sunday. In Carrow Rao and Marsh met.",
        lang="en",
    )
    assert {"Rao", "Marsh"} <= set(found)


def test_a_name_and_its_acronym_are_one_term():
    found = keywords(
        "The treaty was praised by the Aldmouth Port Council on Monday. The APC has read it, said the APC.",
        "On Monday the APC praised the treaty. The Aldmouth Port Council asked for it.",
        lang="en",
    )
    assert len({"APC", "Aldmouth Port Council"} & set(found)) == 1


def test_a_hyphenated_word_is_whole():
    text = "The cease-fire of Carrow held on Monday, and a cease-fire in Aldmouth did too."
    assert "cease-fire" in keywords(text, f"In Carrow the cease-fire was broken. {text}", lang="en")
