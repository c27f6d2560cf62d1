"""Whether a slice shows a class, as far as anybody said it: the values of every array of that, by whatever label."""

UNTAGGED = -1
ABSENT = 0
PRESENT = 1
TAG_NAMES = {PRESENT: "present", ABSENT: "absent", UNTAGGED: "untagged"}
