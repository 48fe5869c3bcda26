"""Languages are detected offline, and are null where the text is not clear."""

from __future__ import annotations

import pyarrow as pa
import pytest

from adrisk.ingest.cleaning import detect_languages

SENTENCES = {
    "en": "We are looking for a cook for a small restaurant, evenings and weekends.",
    "es": "Buscamos una persona para la limpieza de oficinas por las mañanas.",
    "ca": "Busquem una persona per a la neteja d'oficines, amb contracte i horari de matins.",
    "fr": "Nous cherchons un cuisinier pour un petit restaurant, le soir et le week-end.",
    "pt": "Procuramos uma pessoa para a limpeza de escritórios na parte da manhã.",
    "ru": "Ищем повара в небольшой ресторан, вечером и в выходные дни.",
    "ro": "Căutăm un bucătar pentru un restaurant mic, seara și la sfârșit de săptămână.",
    "th": "เรากำลังมองหาพ่อครัวสำหรับร้านอาหารขนาดเล็กในช่วงเย็น",
    "zh": "我们正在为一家小餐馆招聘厨师,晚上和周末工作,有合同和固定工资。",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_plain_sentence_is_recognised(code):
    assert detect_languages(pa.array([SENTENCES[code]])).to_pylist() == [code]


def test_capitals_links_and_leading_digits_do_not_mislead():
    spanish = f"*** 2024 *** {SENTENCES['es'].upper()}"
    english = f"https://example.org/ofertas/empleo/limpieza [EMAIL]\n{SENTENCES['en']}"
    assert detect_languages(pa.array([spanish, english])).to_pylist() == ["es", "en"]


@pytest.mark.parametrize("text", [None, "", "   ", "+1 202 555 0143", "ok", "🙂🙂🙂", "12 34 x 56"])
def test_too_little_to_tell_is_null(text):
    assert detect_languages(pa.array([text], pa.large_string())).to_pylist() == [None]


def test_an_array_of_chunks_and_an_empty_one_are_fine():
    chunks = pa.chunked_array([[SENTENCES["en"]], [SENTENCES["fr"]]])
    assert detect_languages(chunks).to_pylist() == ["en", "fr"]
    assert detect_languages(pa.array([], pa.string())).type == pa.string()


def test_a_given_language_is_kept_without_its_region_and_only_gaps_are_filled(read, tmp_path):
    rows = [("FR-ca", "en"), ("und", "es"), ("", "en"), ("english", "en"), ("pt", "es")]
    lines = "".join(f'{given},"{SENTENCES[code]}"\n' for given, code in rows)
    (tmp_path / "ads.csv").write_text(f"lang,text\n{lines}", encoding="utf-8")
    path = tmp_path / "ads.csv"
    assert read(path, detect_language=True).column("language") == ["fr", "es", "en", "en", "pt"]
    assert read(path).column("language") == ["fr", None, None, None, "pt"]
