"""The words of each language that figures are read in; anything else is read as English."""

from __future__ import annotations

from processors.enrich.words import de, en, es, fr, ru
from processors.enrich.words.shape import FigureWords, Form, Kind, Phrases, Qualifier

FIGURE_WORDS: dict[str, FigureWords] = {
    "en": en.FIGURES,
    "de": de.FIGURES,
    "fr": fr.FIGURES,
    "es": es.FIGURES,
    "ru": ru.FIGURES,
}

PHRASES: dict[str, Phrases] = {language: Phrases.of(words) for language, words in FIGURE_WORDS.items()}

__all__ = ["FIGURE_WORDS", "PHRASES", "FigureWords", "Form", "Kind", "Phrases", "Qualifier"]
