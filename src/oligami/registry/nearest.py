"""Which locations lie nearest: the prefectures of Japan, by the straight way between their capitals.

The record gives a site's prefecture, not its street, so this is as near as can be said.
"""

from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

from oligami.protocol.model.record import Location
from oligami.protocol.text import Text
from oligami.registry.record import PublicRecord, SiteDates
from oligami.registry.words import word

_EARTH_KM: Final = 6371.0

#: Name, and latitude and longitude of the seat of its government in degrees, to 0.01.
#: Source: Geospatial Information Authority of Japan, positions of the prefectural offices.
_PREFECTURES: Final = (
    ("Hokkaido", "北海道", 43.06, 141.35),
    ("Aomori", "青森県", 40.82, 140.74),
    ("Iwate", "岩手県", 39.70, 141.15),
    ("Miyagi", "宮城県", 38.27, 140.87),
    ("Akita", "秋田県", 39.72, 140.10),
    ("Yamagata", "山形県", 38.24, 140.36),
    ("Fukushima", "福島県", 37.75, 140.47),
    ("Ibaraki", "茨城県", 36.34, 140.45),
    ("Tochigi", "栃木県", 36.57, 139.88),
    ("Gunma", "群馬県", 36.39, 139.06),
    ("Saitama", "埼玉県", 35.86, 139.65),
    ("Chiba", "千葉県", 35.60, 140.12),
    ("Tokyo", "東京都", 35.69, 139.69),
    ("Kanagawa", "神奈川県", 35.45, 139.64),
    ("Niigata", "新潟県", 37.90, 139.02),
    ("Toyama", "富山県", 36.70, 137.21),
    ("Ishikawa", "石川県", 36.59, 136.63),
    ("Fukui", "福井県", 36.07, 136.22),
    ("Yamanashi", "山梨県", 35.66, 138.57),
    ("Nagano", "長野県", 36.65, 138.18),
    ("Gifu", "岐阜県", 35.39, 136.72),
    ("Shizuoka", "静岡県", 34.98, 138.38),
    ("Aichi", "愛知県", 35.18, 136.91),
    ("Mie", "三重県", 34.73, 136.51),
    ("Shiga", "滋賀県", 35.00, 135.87),
    ("Kyoto", "京都府", 35.02, 135.76),
    ("Osaka", "大阪府", 34.69, 135.52),
    ("Hyogo", "兵庫県", 34.69, 135.18),
    ("Nara", "奈良県", 34.69, 135.83),
    ("Wakayama", "和歌山県", 34.23, 135.17),
    ("Tottori", "鳥取県", 35.50, 134.24),
    ("Shimane", "島根県", 35.47, 133.05),
    ("Okayama", "岡山県", 34.66, 133.93),
    ("Hiroshima", "広島県", 34.40, 132.46),
    ("Yamaguchi", "山口県", 34.19, 131.47),
    ("Tokushima", "徳島県", 34.07, 134.56),
    ("Kagawa", "香川県", 34.34, 134.04),
    ("Ehime", "愛媛県", 33.84, 132.77),
    ("Kochi", "高知県", 33.56, 133.53),
    ("Fukuoka", "福岡県", 33.61, 130.42),
    ("Saga", "佐賀県", 33.25, 130.30),
    ("Nagasaki", "長崎県", 32.74, 129.87),
    ("Kumamoto", "熊本県", 32.79, 130.74),
    ("Oita", "大分県", 33.24, 131.61),
    ("Miyazaki", "宮崎県", 31.91, 131.42),
    ("Kagoshima", "鹿児島県", 31.56, 130.56),
    ("Okinawa", "沖縄県", 26.21, 127.68),
)
#: The prefectures by their English names, for a list to choose from.
PREFECTURES: Final = {en: Text(en, ja) for en, ja, _, _ in _PREFECTURES}
_PLACES: Final = {en: (latitude, longitude) for en, _, latitude, longitude in _PREFECTURES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """A location and how far it is: kilometres between the capitals of the two prefectures, None where it is not known."""

    location: Location
    dates: SiteDates
    prefecture: Text
    distance_km: int | None

    @property
    def status(self) -> Text:
        """The site's recruitment, in words."""
        return word(self.location.status)


def prefecture_of(location: Location) -> str | None:
    """Return the English name of a location's prefecture, None where the record does not give it."""
    for said in (location.state, location.city):
        word = said.strip().casefold().removesuffix(" prefecture").removesuffix("-ken").removesuffix("-fu").removesuffix("-to")
        for en, ja in ((en, text.ja) for en, text in PREFECTURES.items()):
            if word == en.casefold() or (said and said.strip() in (ja, ja[:-1])):
                return en
    return None


def nearest(record: PublicRecord, prefecture: str | None) -> tuple[Near, ...]:
    """Return the locations, nearest first; without a prefecture in the order of the record.

    Raises:
        KeyError: there is no such prefecture.
    """
    here = None if prefecture is None else _PLACES[prefecture]
    found = [_near(location, dates, here) for location, dates in zip(record.said.location, record.site_dates, strict=True)]
    if here is None:
        return tuple(found)
    return tuple(sorted(found, key=lambda near: near.distance_km if near.distance_km is not None else 10**6))


def _near(location: Location, dates: SiteDates, here: tuple[float, float] | None) -> Near:
    home = prefecture_of(location)
    said = Text(location.state, location.state) if home is None else PREFECTURES[home]
    far = None if here is None or home is None else _distance_km(here, _PLACES[home])
    return Near(location=location, dates=dates, prefecture=said, distance_km=far)


def _distance_km(one: tuple[float, float], other: tuple[float, float]) -> int:
    """Return the great-circle distance, by the haversine formula, in whole kilometres."""
    north, south = radians(one[0]), radians(other[0])
    half = sin((south - north) / 2) ** 2 + cos(north) * cos(south) * sin(radians(other[1] - one[1]) / 2) ** 2
    return round(2 * _EARTH_KM * asin(sqrt(half)))
