"""Makes `lake.csv`: half a year of a made-up lake, as two measuring buoys would have seen it.

Run it as `python examples/make_lake.py`; it always writes the same file. Every four hours each buoy measures at two depths.
There is something to find in it: the lake stratifies in summer, an algal bloom in August raises pH and oxygen near the
surface and eats the oxygen below, a sensor hangs for two days in July, and now and then a value is missing.
"""

import csv
import math
import random
from datetime import datetime, timedelta
from pathlib import Path

START = datetime(2025, 5, 1)  # noqa: DTZ001  # local time of the lake, as loggers write it
DAYS = 183
STEP_HOURS = 4
STATIONS = {"north": (0.0, 1.0), "river mouth": (-0.9, 1.35)}
"""Each buoy: how much warmer its water is, in degrees, and how much more of the bloom it sees."""
DEPTHS_M = (1, 12)
COLUMNS = ("time", "station", "depth_m", "temperature_c", "oxygen_mg_l", "ph", "chlorophyll_ug_l", "turbidity_ntu")

HANGING = ("river mouth", 1, datetime(2025, 7, 9, 8), datetime(2025, 7, 11, 8))  # noqa: DTZ001
"""The sensor that repeated its last temperature, and when."""


def bell(day: float, centre: float, width: float) -> float:
    """A bump of height 1 around a day."""
    return math.exp(-(((day - centre) / width) ** 2))


def saturation(temperature_c: float) -> float:
    """Oxygen in fresh water at equilibrium with air, mg/l: a cubic fit of the tables of Benson and Krause (1984)."""
    return 14.6 - 0.394 * temperature_c + 0.0071 * temperature_c**2 - 0.0000646 * temperature_c**3


def measure(chance: random.Random, when: datetime, station: str, depth_m: int) -> list[float]:
    """One measurement: temperature, oxygen, pH, chlorophyll and turbidity."""
    warmer, bloom_share = STATIONS[station]
    day = (when - START).total_seconds() / 86_400
    sunlight = math.sin((when.hour - 8) / 24 * 2 * math.pi)
    season, bloom = bell(day, 92, 62), bell(day, 108, 11) * bloom_share
    shallow = depth_m < 5
    temperature = 7.5 + (15.5 * season + 0.7 * sunlight + warmer if shallow else 3.1 * bell(day, 125, 70)) + chance.gauss(0, 0.18)
    chlorophyll = max(0.3, (2.2 + 3.5 * season + 34 * bloom) * (1 if shallow else 0.18) * chance.lognormvariate(0, 0.16))
    oxygen = saturation(temperature) + (1.1 * bloom * (2 + sunlight) if shallow else -6.4 * bell(day, 118, 34)) + chance.gauss(0, 0.15)
    acidity = (7.9 if shallow else 7.4) + (0.75 * bloom + 0.05 * sunlight if shallow else -0.2 * season) + chance.gauss(0, 0.03)
    rain = 9 * bell(day % 26, 13, 0.8) * (2.2 if station == "river mouth" else 0.6)
    turbidity = max(0.2, 1.4 + 0.12 * chlorophyll + (rain if shallow else 0.4 * rain) + chance.gauss(0, 0.25))
    return [temperature, max(0.0, oxygen), acidity, chlorophyll, turbidity]


def rows(seed: int = 20250501) -> list[list[str]]:
    """All rows of the file, in the order of time."""
    chance = random.Random(seed)
    lines: list[list[str]] = []
    stuck = ""
    for step in range(DAYS * 24 // STEP_HOURS):
        when = START + timedelta(hours=step * STEP_HOURS)
        for station in STATIONS:
            for depth_m in DEPTHS_M:
                values = [f"{value:.2f}" for value in measure(chance, when, station, depth_m)]
                if (station, depth_m) == HANGING[:2]:
                    if HANGING[2] <= when < HANGING[3]:
                        values[0] = stuck
                    stuck = values[0]
                values = ["" if chance.random() < 0.006 else value for value in values]
                lines.append([f"{when:%Y-%m-%d %H:%M}", station, str(depth_m), *values])
    return lines


def main() -> None:
    """Writes the file beside this one."""
    with (Path(__file__).parent / "lake.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())


if __name__ == "__main__":
    main()
