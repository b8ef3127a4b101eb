"""Languages identified by `lang`, by script and by stop words."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storyclust.articles.article import Article
from storyclust.text.language import group_languages, script_of

# Written for these tests; each is an ordinary report of some fifty words.
LATIN = {
    "Czech": (
        "Vláda v pondělí oznámila, že most v přístavu zůstane do konce měsíce uzavřen kvůli opravám. Podle "
        "radnice začnou práce v neděli a budou stát dva miliony. Obyvatelé čtvrti tvrdí, že se jich nikdo "
        "neptal, a žádají lávku na severním břehu řeky."
    ),
    "Danish": (
        "Regeringen oplyste mandag, at broen ved havnen bliver lukket for arbejde til slutningen af "
        "måneden. I kommunen siger de, at arbejdet begynder søndag og koster to millioner. De, der bor i "
        "kvarteret, er vrede over, at de ikke er blevet hørt, og at der ikke er en overgang for dem."
    ),
    "Dutch": (
        "De politie heeft zondag in Amsterdam een man aangehouden die ervan wordt verdacht dat hij in de "
        "nacht van zaterdag op zondag een woning in brand heeft gestoken. Niemand raakte gewond, maar het "
        "huis is volledig verwoest. De man was bekend bij de politie en is in de cel gezet."
    ),
    "Finnish": (
        "Hallitus ilmoitti maanantaina, että sataman silta suljetaan töiden vuoksi kuun loppuun asti. "
        "Kaupungin mukaan työt alkavat sunnuntaina ja maksavat kaksi miljoonaa. Asukkaat sanovat, ettei "
        "heitä kuunneltu, ja vaativat ylikulkua pohjoispuolelle, jotta koulumatka ei kasvaisi."
    ),
    "French": (
        "Un homme de quarante ans a été arrêté à Lyon. Il est soupçonné de vol de matériel de chantier, a "
        "indiqué le parquet de la ville. Une enquête a été ouverte et le suspect a été placé en garde à vue "
        "au commissariat de police de la Part-Dieu, on ignore pour combien de temps."
    ),
    "German": (
        "Die Regierung hat am Montag angekündigt, dass die Brücke am Hafen bis Ende des Monats wegen "
        "Bauarbeiten gesperrt bleibt. Nach Angaben der Stadt beginnen die Arbeiten am Sonntag und kosten "
        "zwei Millionen Euro. Die Anwohner sagen, die Entscheidung sei ohne sie gefallen."
    ),
    "Hungarian": (
        "A kormány hétfőn bejelentette, hogy a kikötői híd a hónap végéig zárva lesz a munkák miatt. A "
        "város szerint a munka vasárnap kezdődik, és kétmillióba kerül. A lakók azt mondják, hogy a döntés "
        "nélkülük született, és a folyó északi oldalán átkelőt kérnek. A híd a múlt században épült."
    ),
    "Indonesian": (
        "Pemerintah mengumumkan pada hari Senin bahwa jembatan di pelabuhan akan ditutup untuk pekerjaan "
        "sampai akhir bulan. Menurut pemerintah kota, pekerjaan dimulai hari Minggu dan menelan biaya dua "
        "juta. Warga mengatakan keputusan itu diambil tanpa mendengar mereka."
    ),
    "Italian": (
        "Il governo ha annunciato a Roma che il ponte del porto resterà chiuso per lavori fino alla fine "
        "del mese. A detta del comune i lavori cominciano domenica e costeranno due milioni per un anno. "
        "Gli abitanti dicono che i disagi saranno molti e chiedono un passaggio con un battello a nord."
    ),
    "Polish": (
        "Rząd ogłosił w poniedziałek, że most w porcie będzie zamknięty z powodu robót do końca miesiąca. "
        "Według urzędu miasta prace zaczną się w niedzielę i będą kosztować dwa miliony. Mieszkańcy mówią, "
        "że nikt ich nie słuchał, i domagają się przejścia po północnej stronie."
    ),
    "Portuguese": (
        "A polícia prendeu no sábado dois homens suspeitos de assaltar a agência do banco no centro da "
        "cidade. De acordo com a delegada, a dupla foi encontrada a poucos metros do local do crime, com "
        "parte do dinheiro. Ninguém se feriu e a agência volta a abrir na terça-feira."
    ),
    "Romanian": (
        "Guvernul a anunțat luni că podul de la port va fi închis pentru lucrări până la sfârșitul lunii. "
        "Potrivit primăriei, lucrările încep duminică și vor costa două milioane de euro. Locuitorii din "
        "cartier spun că decizia a fost luată fără a fi consultați și cer o trecere de pietoni."
    ),
    "Spanish": (
        "La policía detuvo a un hombre de cuarenta años en Sevilla acusado de prender fuego a un almacén de "
        "la zona de la estación, de donde fueron evacuadas de madrugada un total de treinta personas con "
        "síntomas de intoxicación. A juicio de los bomberos no hay riesgo de derrumbe."
    ),
    "Swedish": (
        "Regeringen meddelade på måndagen att bron vid hamnen stängs för arbeten till slutet av månaden. "
        "Enligt kommunen börjar arbetena på söndag och kostar två miljoner. De boende i kvarteret säger att "
        "beslutet togs utan att någon lyssnade på dem och de begär en övergång i norr."
    ),
    "Turkish": (
        "Hükümet pazartesi günü limandaki köprünün ay sonuna kadar çalışmalar nedeniyle kapalı kalacağını "
        "duyurdu. Belediyeye göre çalışmalar pazar günü başlıyor ve iki milyona mal olacak. Mahalle "
        "sakinleri kararın kendilerine sorulmadan alındığını söylüyor ve kuzeyde bir geçit istiyor."
    ),
    "Vietnamese": (
        "Chính phủ hôm thứ Hai thông báo cây cầu ở cảng sẽ đóng cửa để sửa chữa đến hết tháng. Theo thành "
        "phố, công việc bắt đầu vào Chủ nhật và tốn hai triệu. Người dân trong khu nói quyết định được đưa "
        "ra mà không hỏi ý kiến họ và yêu cầu mở một lối đi ở phía bắc."
    ),
}
SCRIPTS = {
    "arabic": "اجتمع وزراء الخارجية في القاهرة يوم الاثنين لبحث الأزمة وتبادل الآراء حول التجارة.",
    "armenian": "Կառավարությունը երկուշաբթի օրը հայտարարեց, որ կամուրջը փակ կլինի։",
    "bengali": "সোমবার সরকার জানিয়েছে যে সেতুটি মাসের শেষ পর্যন্ত বন্ধ থাকবে।",
    "cyrillic": "Правительство в понедельник объявило, что мост в порту закроют на ремонт.",
    "devanagari": "सरकार ने सोमवार को कहा कि बंदरगाह का पुल महीने के अंत तक बंद रहेगा।",
    "ethiopic": "መንግሥት ሰኞ ዕለት ድልድዩ እስከ ወሩ መጨረሻ ይዘጋል አለ።",
    "georgian": "მთავრობამ ორშაბათს განაცხადა, რომ ხიდი თვის ბოლომდე დაიხურება.",
    "greek": "Η κυβέρνηση ανακοίνωσε τη Δευτέρα ότι η γέφυρα θα μείνει κλειστή.",
    "gujarati": "સરકારે સોમવારે કહ્યું કે પુલ મહિનાના અંત સુધી બંધ રહેશે.",
    "gurmukhi": "ਸਰਕਾਰ ਨੇ ਸੋਮਵਾਰ ਨੂੰ ਕਿਹਾ ਕਿ ਪੁਲ ਮਹੀਨੇ ਦੇ ਅੰਤ ਤੱਕ ਬੰਦ ਰਹੇਗਾ।",
    "han": "政府星期一宣布，港口大桥将关闭到月底进行维修，工程从星期日开始。",
    "hangul": "정부는 월요일 항구의 다리를 이달 말까지 폐쇄한다고 밝혔다.",
    "hebrew": "הממשלה הודיעה ביום שני כי הגשר בנמל ייסגר עד סוף החודש לצורך עבודות.",
    "kana": "政府は月曜日、港の橋を月末まで工事のため閉鎖すると発表した。",
    "kannada": "ಸೇತುವೆ ತಿಂಗಳ ಅಂತ್ಯದವರೆಗೆ ಮುಚ್ಚಲಾಗುವುದು ಎಂದು ಸರ್ಕಾರ ಸೋಮವಾರ ಹೇಳಿದೆ.",
    "khmer": "រដ្ឋាភិបាលបានប្រកាសកាលពីថ្ងៃច័ន្ទថាស្ពាននឹងត្រូវបិទ។",
    "lao": "ລັດຖະບານປະກາດໃນວັນຈັນວ່າຂົວຈະຖືກປິດຈົນຮອດທ້າຍເດືອນ",
    "malayalam": "പാലം മാസാവസാനം വരെ അടച്ചിടുമെന്ന് സർക്കാർ തിങ്കളാഴ്ച അറിയിച്ചു.",
    "myanmar": "တံတားကို လကုန်အထိ ပိတ်ထားမည်ဟု အစိုးရက တနင်္လာနေ့တွင် ကြေညာခဲ့သည်။",
    "odia": "ସରକାର ସୋମବାର କହିଛନ୍ତି ଯେ ପୋଲ ମାସ ଶେଷ ପର୍ଯ୍ୟନ୍ତ ବନ୍ଦ ରହିବ।",
    "sinhala": "පාලම මාසය අවසානය දක්වා වසා දමන බව රජය සඳුදා පැවසීය.",
    "tamil": "பாலம் மாத இறுதி வரை மூடப்படும் என்று அரசாங்கம் திங்கட்கிழமை கூறியது.",
    "telugu": "వంతెనను నెలాఖరు వరకు మూసివేస్తామని ప్రభుత్వం సోమవారం తెలిపింది.",
    "thai": "รัฐบาลประกาศเมื่อวันจันทร์ว่าสะพานจะปิดจนถึงสิ้นเดือนเพื่อซ่อมแซม",
    "tibetan": "གཞུང་གིས་གཟའ་ཟླ་བར་ཟམ་པ་དེ་ཟླ་མཇུག་བར་སྒོ་རྒྱག་རྒྱུའི་གསལ་བསྒྲགས་བྱས།",
}
ENGLISH = (
    "The government said on Monday that the bridge at the harbour will be closed for repairs until the end "
    "of the month. The work begins on Sunday and will cost two million. People who live nearby say nobody "
    "asked them, and they want a crossing on the north side of the river."
)
SHORT = "Ferry strikes pier"


CODES = {
    **{"Czech": "cs", "Danish": "da", "Dutch": "nl", "Finnish": "fi", "French": "fr", "German": "de"},
    **{"Hungarian": "hu", "Indonesian": "ms", "Italian": "it", "Polish": "pl", "Portuguese": "pt"},
    **{"Romanian": "ro", "Spanish": "es", "Swedish": "sv", "Turkish": "tr", "Vietnamese": "vi"},
    **{"arabic": "ar", "bengali": "bn", "devanagari": "hi", "greek": "el", "gujarati": "gu"},
    **{"hebrew": "he", "kana": "ja", "cyrillic": "ru"},
}


def names(*articles):
    return group_languages([Article(one) if isinstance(one, str) else one for one in articles])


# Identification


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_scripts_are_identified(script):
    assert names(SCRIPTS[script]) == [CODES.get(script, script)]


@pytest.mark.parametrize("language", sorted(LATIN))
def test_latin_script_languages_are_identified(language):
    assert names(LATIN[language]) == [CODES[language]]


@pytest.mark.parametrize(
    "text", [ENGLISH, ENGLISH.upper(), ENGLISH.replace("the", "the “naïve”"), ENGLISH[:130]]
)
def test_english_is_identified(text):
    assert names(text) == ["en"]


def test_english_that_quotes_another_script_is_english():
    assert names(f"{ENGLISH} The banner read 東京タワー, she said.") == ["en"]
    assert names(f"{ENGLISH} The banner read Москва, she said.") == ["en"]


def test_chinese_with_one_kana_character_is_chinese():
    assert names("鲜の每日餐厅昨日在北京开业，吸引了许多顾客前来排队，老板表示今后还会开设更多分店。") == [
        "han"
    ]


def test_japanese_with_english_names_is_japanese():
    assert names("米グーグルはAI Overviewsの提供をMicrosoftやOpenAIに先がけて始めると発表した。") == ["ja"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_unicode_normalization_does_not_matter(form):
    for language in ("Vietnamese", "Czech"):
        assert names(unicodedata.normalize(form, LATIN[language])) == [CODES[language]]
    assert names(unicodedata.normalize(form, SCRIPTS["hangul"])) == ["hangul"]


def test_only_the_beginning_of_a_long_text_is_read():
    assert names(ENGLISH * 3 + SCRIPTS["cyrillic"] * 100) == ["en"]


def test_the_title_counts():
    assert names(Article("", title=SCRIPTS["thai"])) == ["thai"]
    assert names(Article("1 2 3", title=SCRIPTS["greek"])) == ["el"]


# Given languages


@pytest.mark.parametrize(
    ("hint", "name"), [("fr", "fr"), ("en-GB", "en"), ("EN_us", "en"), (" de ", "de"), ("zh-Hant-TW", "zh")]
)
def test_a_given_language_takes_precedence(hint, name):
    assert names(Article(SCRIPTS["cyrillic"], lang=hint)) == [name]
    assert names(Article("", lang=hint)) == [name]


@pytest.mark.parametrize("hint", [None, "", "  "])
def test_a_missing_or_invalid_language_is_ignored(hint):
    assert names(Article(SCRIPTS["thai"], lang=hint)) == ["thai"]


# Texts too short to identify


def test_short_latin_texts_get_the_commonest_latin_language():
    german = LATIN["German"]
    assert names(SHORT, german, german, LATIN["Swedish"], ENGLISH) == ["de", "de", "de", "sv", "en"]
    assert names(ENGLISH, SHORT, ENGLISH, german) == ["en", "en", "en", "de"]
    assert names(SHORT, "", "123", "!") == ["en"] * 4
    assert names(SHORT, *[SCRIPTS["cyrillic"]] * 5) == ["en", *["ru"] * 5]


def test_given_languages_count_towards_the_commonest_one():
    hinted = [Article("x", lang="en"), Article("y", lang="en-US")]
    assert names(SHORT, *hinted, LATIN["German"])[0] == "en"


def test_ties_do_not_depend_on_the_order_of_articles():
    assert names(SHORT, ENGLISH, LATIN["German"])[0] == names(LATIN["German"], ENGLISH, SHORT)[2]


def test_short_texts_in_other_scripts_do_not_depend_on_the_corpus():
    assert names("Москва", "東京", "ソウル", "서울", ENGLISH) == ["cyrillic", "han", "ja", "hangul", "en"]


def test_no_articles():
    assert group_languages([]) == []


@settings(max_examples=50)
@given(st.lists(st.text(max_size=40), max_size=5))
def test_every_article_gets_a_name(texts):
    found = names(*texts)
    assert len(found) == len(texts)
    assert all(found)


# Scripts of letters


def test_scripts_of_letters_match_their_unicode_names():
    prefixes = {
        **{name.upper(): name for name in SCRIPTS if name not in ("han", "kana", "odia")},
        **{"LATIN": "latin", "ORIYA": "odia", "HIRAGANA": "kana", "KATAKANA LETTER": "kana"},
        **{"CJK UNIFIED": "han", "HANGUL SYLLABLE": "hangul"},
    }
    ranges = [
        (0x41, 0x2B0),
        (0x370, 0x700),
        (0x900, 0x2000),
        (0x3040, 0x3100),
        (0x3400, 0xA000),
        (0xAC00, 0xD7B0),
    ]
    wrong = set()
    for first, last in ranges:
        for point in range(first, last):
            name = unicodedata.name(chr(point), "")
            expected = next((script for prefix, script in prefixes.items() if name.startswith(prefix)), None)
            if chr(point).isalpha() and expected and script_of(chr(point)) not in (expected, ""):
                wrong.add((name.split()[0], script_of(chr(point))))
    assert wrong == set()


@pytest.mark.parametrize(
    ("char", "script"), [("𠮷", "han"), ("豈", "han"), ("ế", "latin"), ("ἄ", "greek"), ("々", "")]
)
def test_letters_outside_the_main_block_of_their_script(char, script):
    assert script_of(char) == script
