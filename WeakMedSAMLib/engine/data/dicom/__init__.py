"""One DICOM series below a folder, as a volume with even slices, or the reason why it is none.

`files` tells images from what else lies below the folder, `series` finds the one series and removes copies, `frames`
says what each slice is, `parts` keeps acquisitions apart, `stack` places the slices, `pixels` and `values` read them.
"""

from WeakMedSAMLib.engine.data.dicom.source import SeriesFolder, open_folder

__all__ = ["SeriesFolder", "open_folder"]
