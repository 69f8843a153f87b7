//! Thumbnails (Client-Server API, "Thumbnails"): pure picture work. It is heavy: call it on a thread of its own.

use std::fs::File;
use std::io::{BufReader, Cursor};

use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, ResizeOptions, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};
use wardline_store::StoreError;
use wardline_store::media::ThumbnailBox;

use crate::media::MediaError;

/// The longest side of a picture that is read, in pixels.
const MAX_SIDE: u32 = 16_384;
/// The most pixels of a picture that is read.
const MAX_PIXELS: u64 = 50_000_000;
/// Memory that the decoder may take, in bytes.
const MAX_MEMORY: u64 = 256 << 20;
const JPEG_QUALITY: u8 = 85;

/// The sizes that thumbnails are made in, smallest first (those that the specification recommends).
const SIZES: [(u32, u32); 5] = [(32, 32), (96, 96), (320, 240), (640, 480), (800, 600)];

/// The smallest known size that is not smaller than the wanted one; the largest if there is none.
pub(crate) fn known_size(wanted: ThumbnailBox) -> ThumbnailBox {
    let (width, height) = SIZES
        .into_iter()
        .find(|(width, height)| *width >= wanted.width && *height >= wanted.height)
        .unwrap_or(SIZES[SIZES.len() - 1]);
    ThumbnailBox { width, height, crop: wanted.crop }
}

/// Makes a thumbnail: its bytes and type. Pictures with transparency become PNG, others JPEG.
pub(crate) fn make(file: File, size: ThumbnailBox) -> Result<(Vec<u8>, &'static str), MediaError> {
    let picture = read(file)?;
    let (width, height) = target(picture.width(), picture.height(), size);
    let transparent = picture.color().has_alpha();
    let (wide, high) = (picture.width(), picture.height());
    let (pixels, pixel_type) = if transparent {
        (picture.into_rgba8().into_raw(), PixelType::U8x4)
    } else {
        (picture.into_rgb8().into_raw(), PixelType::U8x3)
    };
    let failed =
        |error: &dyn std::fmt::Display| StoreError::Malformed(format!("a thumbnail failed: {error}"));
    let source = Image::from_vec_u8(wide, high, pixels, pixel_type).map_err(|e| failed(&e))?;
    let mut small = Image::new(width, height, pixel_type);
    let options = ResizeOptions::new().fit_into_destination(None);
    Resizer::new().resize(&source, &mut small, &options).map_err(|e| failed(&e))?;

    let mut out = Vec::new();
    let (content_type, encoded) = if transparent {
        let encoder = image::codecs::png::PngEncoder::new(Cursor::new(&mut out));
        ("image/png", encoder.write_image(small.buffer(), width, height, ExtendedColorType::Rgba8))
    } else {
        let encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
        ("image/jpeg", encoder.write_image(small.buffer(), width, height, ExtendedColorType::Rgb8))
    };
    encoded.map_err(|e| failed(&e))?;
    Ok((out, content_type))
}

/// Reads a picture of a known format within the limits, turned the way it was taken.
fn read(file: File) -> Result<DynamicImage, MediaError> {
    let not_a_picture = |error: image::ImageError| match error {
        image::ImageError::Limits(_) => MediaError::PictureTooLarge,
        _ => MediaError::NotAPicture,
    };
    let mut reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(StoreError::from)?;
    match reader.format() {
        Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif | ImageFormat::WebP) => {}
        _ => return Err(MediaError::NotAPicture),
    }
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(not_a_picture)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(MediaError::PictureTooLarge);
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(not_a_picture)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The size of the thumbnail of a picture; never larger than the picture, never empty.
fn target(width: u32, height: u32, size: ThumbnailBox) -> (u32, u32) {
    if size.crop {
        return (size.width.min(width).max(1), size.height.min(height).max(1));
    }
    // Fits by the tighter side, in whole numbers: width / height against the box's.
    let (w, h, bw, bh) = (u64::from(width), u64::from(height), u64::from(size.width), u64::from(size.height));
    let (tw, th) = if w <= bw && h <= bh {
        (w, h)
    } else if w * bh >= h * bw {
        (bw, (h * bw + w / 2) / w)
    } else {
        ((w * bh + h / 2) / h, bh)
    };
    (u32::try_from(tw).unwrap_or(size.width).max(1), u32::try_from(th).unwrap_or(size.height).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn fit(width: u32, height: u32) -> ThumbnailBox {
        ThumbnailBox { width, height, crop: false }
    }

    #[test]
    fn sizes_are_rounded_up_to_known_ones() {
        assert_eq!(known_size(fit(1, 1)), fit(32, 32));
        assert_eq!(known_size(fit(33, 20)), fit(96, 96));
        assert_eq!(known_size(fit(320, 241)), fit(640, 480));
        assert_eq!(known_size(fit(4000, u32::MAX)), fit(800, 600));
    }

    #[test]
    fn a_picture_keeps_its_proportions_and_is_never_enlarged() {
        assert_eq!(target(4000, 3000, fit(800, 600)), (800, 600));
        assert_eq!(target(4000, 1000, fit(800, 600)), (800, 200));
        assert_eq!(target(1000, 4000, fit(800, 600)), (150, 600));
        assert_eq!(target(10, 20, fit(800, 600)), (10, 20));
        assert_eq!(target(16_000, 1, fit(32, 32)), (32, 1));
        assert_eq!(target(100, 20, ThumbnailBox { width: 32, height: 32, crop: true }), (32, 20));
    }
}
