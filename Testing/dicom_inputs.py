"""DICOM files for tests, written element by element, and what 3D Slicer's own reader makes of them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian

SERIES, STUDY, PLACE = "1.2.826.0.1.3680043.2.1125.4", "1.2.826.0.1.3680043.2.1125.3", "1.2.826.0.1.3680043.2.1125.9"


def pixels(shape=(4, 6, 7), low=0, high=4000, kind="u2"):
    """Stored numbers."""
    return np.random.default_rng(0).integers(low, high, shape).astype(kind)


def described(array, *, bits=None, signed=None):
    """The elements that describe how an array of one slice, or of frames, is stored."""
    elements = Dataset()
    elements.Rows, elements.Columns = array.shape[-2:]
    elements.SamplesPerPixel, elements.PhotometricInterpretation = 1, "MONOCHROME2"
    elements.BitsAllocated = 8 * array.dtype.itemsize
    elements.BitsStored = bits or elements.BitsAllocated
    elements.HighBit = elements.BitsStored - 1
    elements.PixelRepresentation = int(array.dtype.kind == "i") if signed is None else signed
    elements.PixelData = array.tobytes()
    elements["PixelData"].VR = "OW"
    return elements


def identified(number, kind=CTImageStorage, syntax=ExplicitVRLittleEndian):
    """The elements that say what a file is, to whom it belongs and which of the series it is."""
    elements = Dataset()
    elements.file_meta = FileMetaDataset()
    elements.file_meta.TransferSyntaxUID = syntax
    elements.SOPClassUID = elements.file_meta.MediaStorageSOPClassUID = kind
    elements.SOPInstanceUID = elements.file_meta.MediaStorageSOPInstanceUID = f"{SERIES}.{number + 1}"
    elements.Modality, elements.PatientID, elements.ImageType = "CT", "1", ["ORIGINAL", "PRIMARY", "AXIAL"]
    elements.StudyInstanceUID, elements.SeriesInstanceUID, elements.FrameOfReferenceUID = STUDY, SERIES, PLACE
    elements.InstanceNumber = number + 1
    return elements


def changed(elements, changes):
    """Elements with others set, or removed where the value is None."""
    for keyword, value in changes.items():
        if value is None:
            delattr(elements, keyword)
        else:
            setattr(elements, keyword, value)
    return elements


def slice_(number, array, bits=None, **changes):
    """One slice; 0.5 x 0.8 mm, 2.5 mm from the next, rescaled by -1024."""
    elements = identified(number, changes.pop("kind", CTImageStorage), changes.pop("syntax", ExplicitVRLittleEndian))
    elements.update(described(array, bits=bits))
    elements.ImagePositionPatient = [1.0, 2.0, -10.0 + 2.5 * number]
    elements.ImageOrientationPatient, elements.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.8, 0.5]
    elements.SliceThickness, elements.RescaleSlope, elements.RescaleIntercept = 2.5, 1, -1024
    return changed(elements, changes)


def save(elements, path):
    """Write a file with preamble and meta elements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    elements.save_as(path, enforce_file_format=True)
    return path


def series(folder, array, each=lambda number: {}, **changes):
    """A folder of slices; `each` gives further changes of one slice by its number."""
    for number, plane in enumerate(array):
        save(slice_(number, plane, **{**changes, **each(number)}), Path(folder) / f"IM{number + 1:04d}.dcm")
    return Path(folder)


def item(**elements):
    """A sequence of one item."""
    return [changed(Dataset(), elements)]


def enhanced(path, array, frames, shared=None, bits=12, **changes):
    """An enhanced multi-frame file; `frames` are functional groups of each frame, `shared` those of all, by keyword."""
    elements = identified(0, EnhancedMRImageStorage)
    elements.update(described(array, bits=bits))
    elements.NumberOfFrames = len(array)
    common = {
        "PixelMeasuresSequence": item(PixelSpacing=[0.8, 0.5], SliceThickness=2.5),
        "PlaneOrientationSequence": item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        "PixelValueTransformationSequence": item(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="US"),
        **(shared or {}),
    }
    elements.SharedFunctionalGroupsSequence = item(**{keyword: group for keyword, group in common.items() if group})
    elements.PerFrameFunctionalGroupsSequence = [changed(Dataset(), groups) for groups in frames]
    return save(changed(elements, changes), Path(path))


def at(z, **groups):
    """Functional groups of a frame at a height."""
    return {"PlanePositionSequence": item(ImagePositionPatient=[1, 2, z]), **groups}


def in_slicer(files):
    """Voxels (k, j, i) and IJK-to-LPS matrix as 3D Slicer holds a series."""
    slicer = pytest.importorskip("slicer", reason="slicer-core is not installed")
    vtk = pytest.importorskip("vtk")
    from vtk.util.numpy_support import vtk_to_numpy

    scene, node, storage = slicer.vtkMRMLScene(), slicer.vtkMRMLScalarVolumeNode(), None
    storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
    scene.AddNode(node)
    scene.AddNode(storage)
    files = [str(file) for file in files]
    storage.SetFileName(files[0])
    storage.ResetFileNameList()
    storage.SetSingleFile(len(files) == 1)
    for file in files:
        storage.AddFileName(file)
    assert storage.ReadData(node) == 1
    i, j, k = node.GetImageData().GetDimensions()
    array = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(k, j, i).copy()
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    ras = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
    return SimpleNamespace(array=array, ijk_to_lps=np.diag([-1.0, -1.0, 1.0, 1.0]) @ ras)


def ijk_to_lps(geometry):
    """The matrix of a geometry."""
    matrix = np.eye(4)
    matrix[:3, :3] = geometry.axes * geometry.spacing
    matrix[:3, 3] = geometry.origin
    return matrix
