"""Files of scanners, made by formula with pydicom 3.0.2 and nibabel 5.4.2, and what these programs read from them (expected.json).

Lossless JPEG is packed by imagecodecs 2026.3.6 and read by pylibjpeg 2.1.0, JPEG by Pillow 13.0.0.
"""
import io
import json
import pathlib

import imagecodecs
import nibabel
import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_rescale, apply_windowing
from pydicom.sequence import Sequence
from pydicom import uid

folder = pathlib.Path(__file__).parent
ROWS, COLUMNS = 6, 8


def pattern(frames, most, least=0):
    """Values from least to most with all bits in use."""
    f, y, x = np.mgrid[:frames, :ROWS, :COLUMNS]
    return least + (f * 1013 + y * 331 + x * 97 + x * y * 7) * 31 % (most - least + 1)


def dataset(name, values, syntax, stored=16, signed=False, photometric="MONOCHROME2", number=1, **extra):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = uid.MRImageStorage
    meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
    meta.TransferSyntaxUID = syntax
    found = FileDataset(name, {}, file_meta=meta, preamble=bytes(128), is_implicit_VR=syntax.is_implicit_VR,
                        is_little_endian=syntax.is_little_endian)
    found.SOPClassUID, found.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    found.PatientID, found.PatientName, found.Modality = "P-007", "Doe^Jo", "MR"
    found.StudyInstanceUID, found.SeriesInstanceUID, found.InstanceNumber = "1.2.3", "1.2.3.4", number
    found.SamplesPerPixel, found.PhotometricInterpretation = 1, photometric
    found.Rows, found.Columns = values.shape[1:]
    found.BitsAllocated = 8 if stored <= 8 else 16
    found.BitsStored, found.HighBit, found.PixelRepresentation = stored, stored - 1, int(signed)
    if len(values) > 1:
        found.NumberOfFrames = len(values)
    for key, value in extra.items():
        setattr(found, key, value)
    kind = ("i" if signed else "u") + str(found.BitsAllocated // 8)
    order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
    found.PixelData = values.astype(order + kind).tobytes()
    return found


def packed(found, parts, has_offsets=True):
    found.PixelData = encapsulate(parts, has_bot=has_offsets)
    found["PixelData"].is_undefined_length = True
    return found


def written(found):
    """Saves a file and returns what pydicom reads from it."""
    name = found.filename
    found.save_as(folder / name, enforce_file_format=True)
    read = pydicom.dcmread(folder / name)
    values = read.pixel_array.reshape(-1, read.Rows, read.Columns)
    frames, levels = [], []
    for k, frame in enumerate(values):
        if "PerFrameFunctionalGroupsSequence" in read:
            own = read.PerFrameFunctionalGroupsSequence[k]
            scale = own.PixelValueTransformationSequence[0]
            rescaled = frame * float(scale.RescaleSlope) + float(scale.RescaleIntercept)
        else:
            rescaled = apply_rescale(frame, read).astype(float)
        frames.append(np.ravel(rescaled).tolist())
        if "WindowCenter" in read:
            slope, intercept = float(read.get("RescaleSlope", 1)), float(read.get("RescaleIntercept", 0))
            least, most = (-(1 << read.BitsStored - 1), (1 << read.BitsStored - 1) - 1) if read.PixelRepresentation else (
                0, (1 << read.BitsStored) - 1)
            least, most = least * slope + intercept, most * slope + intercept
            level = (apply_windowing(rescaled, read) - least) / (most - least)
            levels.append(np.ravel(1 - level if read.PhotometricInterpretation == "MONOCHROME1" else level).round(6).tolist())
        else:
            low, high = np.percentile(rescaled.astype(np.float32), [1, 99])
            levels.append(np.ravel(np.clip((rescaled - low) / (high - low), 0, 1)).round(6).tolist())
    return {"patient": read.PatientID, "size": [read.Rows, read.Columns], "frames": frames, "levels": levels}


def sequence(**values):
    item = Dataset()
    for key, value in values.items():
        setattr(item, key, value)
    found = Sequence([item])
    return found


expected = {}


def add(found):
    expected[found.filename] = written(found)


window = {"WindowCenter": 1200, "WindowWidth": 2001}
add(dataset("explicit_12.dcm", pattern(1, 4095), uid.ExplicitVRLittleEndian, 12, **window))
add(dataset("implicit_signed.dcm", pattern(1, 900, -1000), uid.ImplicitVRLittleEndian, 12, True, RescaleSlope="2.5",
            RescaleIntercept="-1024", WindowCenter=["40", "300"], WindowWidth=["400", "2000"]))
add(dataset("inverted_8.dcm", pattern(1, 255), uid.ExplicitVRLittleEndian, 8, photometric="MONOCHROME1", WindowCenter="128.5",
            WindowWidth="90", VOILUTFunction="SIGMOID"))
add(dataset("exact.dcm", pattern(1, 65535), uid.ExplicitVRLittleEndian, WindowCenter="30000", WindowWidth="20000",
            VOILUTFunction="LINEAR_EXACT"))
add(dataset("no_window.dcm", pattern(1, 3000), uid.ExplicitVRLittleEndian, 12))
add(dataset("big_endian.dcm", pattern(1, 65535), uid.ExplicitVRBigEndian, **window))
add(dataset("deflated.dcm", pattern(1, 4095), uid.DeflatedExplicitVRLittleEndian, 12, **window))
add(dataset("frames.dcm", pattern(4, 2000, -2000), uid.ExplicitVRLittleEndian, 12, True, FrameTime="66.5", Modality="XA",
            ImagerPixelSpacing=["0.25", "0.3"], **window))
runs = dataset("frames_runs.dcm", pattern(3, 4095), uid.ExplicitVRLittleEndian, 12, CineRate="15", **window)
runs.compress(uid.RLELossless)
add(runs)
values = pattern(3, 255)
values[:, 2:4] = 7
runs = dataset("runs_8.dcm", values, uid.ExplicitVRLittleEndian, 8)
runs.compress(uid.RLELossless)
add(runs)
values = pattern(2, 4095)
lossless = [imagecodecs.ljpeg_encode(frame.astype("u2"), bitspersample=12) for frame in values]
add(packed(dataset("jpeg_lossless.dcm", values, uid.JPEGLosslessSV1, 12, **window), lossless))
values = pattern(2, 65535)
lossless = [imagecodecs.ljpeg_encode(frame.astype("u2"), bitspersample=16) for frame in values]
whole = dataset("jpeg_parts.dcm", values, uid.JPEGLosslessSV1, **window)
# Each frame in two parts.
whole.PixelData = encapsulate(lossless, fragments_per_frame=2, has_bot=True)
whole["PixelData"].is_undefined_length = True
add(whole)
y, x = np.mgrid[:16, :16]
smooth = (8 * y + 7 * x)[None]
file = io.BytesIO()
Image.fromarray(smooth[0].astype("u1")).save(file, "JPEG", quality=95)
add(packed(dataset("jpeg_8.dcm", smooth, uid.JPEGBaseline8Bit, 8, WindowCenter="128", WindowWidth="256"), [file.getvalue()], False))

enhanced = dataset("enhanced.dcm", pattern(3, 4095), uid.ExplicitVRLittleEndian, 12)
shared = Dataset()
shared.PlaneOrientationSequence = sequence(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
shared.PixelMeasuresSequence = sequence(PixelSpacing=["0.5", "0.75"])
enhanced.SharedFunctionalGroupsSequence = Sequence([shared])
groups = []
for k in range(3):
    own = Dataset()
    own.PlanePositionSequence = sequence(ImagePositionPatient=[-10.5, [3.0, -6.25, 8.0][k], 7])
    own.PixelValueTransformationSequence = sequence(RescaleSlope=str(k + 0.5), RescaleIntercept=str(-100 * k),
                                                    RescaleType="US")
    own.PixelValueTransformationSequence.is_undefined_length = True
    groups.append(own)
enhanced.PerFrameFunctionalGroupsSequence = Sequence(groups)
enhanced.PerFrameFunctionalGroupsSequence.is_undefined_length = True
add(enhanced)
expected["enhanced.dcm"]["positions"] = [3.0, -6.25, 8.0]

# Volumes (x, y, z) with other types, orders of bytes, scales and directions of axes.
x, y, z = np.mgrid[:5, :4, :3]
volume = (x * 37 + y * 11 + z * 101) * 13 % 251
AFFINES = {
    "RAS": np.diag([1.5, 2.0, 3.0, 1]),
    "LPI": np.diag([-1.5, -2.0, -3.0, 1]),
    "PSR": np.array([[0, 0, 3.0, 4], [-2.0, 0.1, 0, 5], [0.1, 1.5, 0, 6], [0, 0, 0, 1]]),
}


def add_volume(name, values, affine, slope=None, intercept=None, order="<", quaternion=False):
    header = nibabel.Nifti1Header(endianness=order)
    image = nibabel.Nifti1Image(values, AFFINES[affine], header)
    image.header.set_data_dtype(values.dtype.newbyteorder(order))
    if quaternion:
        image.set_qform(AFFINES[affine], code=1)
        image.set_sform(None, code=0)
    content = bytearray(image.to_bytes())
    if slope is not None:
        content[112:120] = np.array([slope, intercept], order + "f4").tobytes()
    (folder / name).write_bytes(content)
    read = nibabel.load(folder / name)
    data = read.get_fdata()
    expected[name] = {
        "axes": "".join(nibabel.aff2axcodes(read.affine)),
        "spacing": [float(v) for v in read.header.get_zooms()[:3]],
        # Slice, row (y), column (x).
        "slices": [data[:, :, k].T.ravel().tolist() for k in range(data.shape[2])],
        "size": list(data.shape[:3]),
    }


add_volume("u1.nii", volume.astype("u1"), "RAS")
add_volume("i2.nii", (volume * 100 - 9000).astype("i2"), "LPI", 0.5, -3)
add_volume("f4_big.nii", (volume / 8).astype("f4"), "PSR", order=">")
add_volume("u2_quaternion.nii", (volume * 200).astype("u2"), "LPI", 2, 0, quaternion=True)
(folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
