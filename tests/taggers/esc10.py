"""ESC-10's ten classes in AudioSet's terms; all names are in both label spaces."""

# folder of data/esc10 -> the AudioSet classes (display names) that say the same
AUDIOSET_NAMES: dict[str, tuple[str, ...]] = {
    "baby_cry": ("Baby cry, infant cry",),
    "chainsaw": ("Chainsaw",),
    "clock_tick": ("Tick-tock", "Tick", "Clock"),
    "dog_bark": ("Bark", "Dog"),
    "fire_crackling": ("Fire", "Crackle"),
    "helicopter": ("Helicopter",),
    "person_sneeze": ("Sneeze",),
    "rain": ("Rain", "Raindrop", "Rain on surface"),
    "rooster": ("Crowing, cock-a-doodle-doo", "Chicken, rooster"),
    "sea_waves": ("Waves, surf", "Ocean"),
}
