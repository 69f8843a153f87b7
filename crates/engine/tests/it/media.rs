//! The content repository.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::TryStreamExt;
use image::{DynamicImage, ImageFormat, RgbImage, RgbaImage};
use wardline_engine::media::{Content, MediaError};
use wardline_store::media::ThumbnailBox;

use crate::home::{Home, Person};

const SERVER: &str = "ward.example";
const NOW: Duration = Duration::ZERO;

impl Home {
    async fn put(&self, owner: &Person, content_type: &str, bytes: &[u8]) -> String {
        let media = &self.engine.media;
        let mut upload =
            media.upload(owner.nid, Some(content_type), Some("x".into()), 10 << 20).await.unwrap();
        for part in bytes.chunks(100_000) {
            upload.write(part).await.unwrap();
        }
        upload.finish().await.unwrap()
    }

    async fn fetch(&self, id: &str) -> Result<Content, MediaError> {
        self.engine.media.download((SERVER, id), Duration::from_secs(5)).await
    }

    async fn small(&self, id: &str, width: u32, height: u32, crop: bool) -> Result<Content, MediaError> {
        self.engine.media.thumbnail((SERVER, id), ThumbnailBox { width, height, crop }, NOW).await
    }

    /// All files of the blob store.
    fn files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, files) } else { files.push(path) }
            }
        }
        let mut files = Vec::new();
        walk(&self.path().with_file_name("media"), &mut files);
        files
    }
}

async fn bytes(content: Content) -> Vec<u8> {
    let size = content.size;
    let chunks: Vec<bytes::Bytes> = content.stream(0..size).await.unwrap().try_collect().await.unwrap();
    let bytes = chunks.concat();
    assert_eq!(bytes.len() as u64, size);
    bytes
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).unwrap();
    out.into_inner()
}

#[tokio::test]
async fn what_is_uploaded_comes_back_after_a_restart_too() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let content: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let first = home.put(&anna, "text/plain", &content).await;
    let second = home.put(&anna, "image/png", &content).await;
    assert_ne!(first, second);
    let [blob] = &home.files()[..] else { panic!("the same content is one blob") };
    let hex = blake3::hash(&content).to_hex().to_string();
    assert!(blob.ends_with(format!("{}/{}/{hex}", &hex[..2], &hex[2..4])));
    let home = home.restart();
    let found = home.fetch(&first).await.unwrap();
    assert_eq!((found.content_type.as_str(), found.name.as_deref()), ("text/plain", Some("x")));
    assert_eq!(bytes(found).await, content);
    let empty = home.put(&anna, "text/plain", b"").await;
    assert!(bytes(home.fetch(&empty).await.unwrap()).await.is_empty());
}

#[tokio::test]
async fn an_upload_over_the_limit_or_given_up_leaves_nothing() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let begin = || home.engine.media.upload(anna.nid, None, None, 600_000);
    let mut upload = begin().await.unwrap();
    upload.write(&[0; 500_000]).await.unwrap();
    assert!(matches!(upload.write(&[0; 100_001]).await, Err(MediaError::TooLarge { limit: 600_000 })));
    drop(upload);
    let mut upload = begin().await.unwrap();
    upload.write(&[0; 500_000]).await.unwrap();
    drop(upload);
    assert!(home.files().is_empty());
    let mut upload = begin().await.unwrap();
    upload.write(&[0; 600_000]).await.unwrap();
    assert_eq!(home.fetch(&upload.finish().await.unwrap()).await.unwrap().size, 600_000);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_removed() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let temporary = home.path().with_file_name("media").join("tmp");
    std::fs::create_dir_all(&temporary).unwrap();
    std::fs::write(temporary.join("0"), "half").unwrap();
    home.put(&anna, "text/plain", b"whole").await;
    assert_eq!(home.files().len(), 1);
}

#[tokio::test]
async fn unknown_and_odd_places_are_refused() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let id = home.put(&anna, "text/plain", b"here").await;
    assert!(matches!(home.fetch("unknown").await, Err(MediaError::NotFound)));
    let elsewhere = home.engine.media.download(("other.example", &id), NOW).await;
    assert!(matches!(elsewhere, Err(MediaError::NotFound)));
    for odd in ["", "../../wardline.db", "a/b", "a\0", "%2e%2e", "é", &"a".repeat(256)] {
        assert!(matches!(home.fetch(odd).await, Err(MediaError::Invalid(_))), "{odd}");
    }
    let odd_server = home.engine.media.download(("../..", &id), NOW).await;
    assert!(matches!(odd_server, Err(MediaError::Invalid(_))));
    let named = home.engine.media.upload(anna.nid, None, Some("a\r\nSet-Cookie: x".into()), 1).await;
    assert!(matches!(named, Err(MediaError::Invalid(_))));
}

#[tokio::test]
async fn an_announced_upload_is_waited_for() {
    let home = Home::new();
    let (anna, ben) = (home.person("anna").await, home.person("ben").await);
    let (id, _) = home.engine.media.announce(anna.nid).await.unwrap();
    let early = home.engine.media.download((SERVER, &id), NOW).await;
    assert!(matches!(early, Err(MediaError::NotYetUploaded)));
    let begin = |person: &Person| {
        let nid = person.nid;
        home.engine.media.upload_announced(nid, (SERVER, &id), Some("text/plain"), None, 100)
    };
    assert!(matches!(begin(&ben).await, Err(MediaError::NotOwner)));
    let upload = async {
        let mut upload = begin(&anna).await.unwrap();
        upload.write(b"late").await.unwrap();
        upload.finish().await.unwrap()
    };
    let (found, _) = tokio::join!(home.fetch(&id), upload);
    assert_eq!(bytes(found.unwrap()).await, b"late");
    assert!(matches!(begin(&anna).await, Err(MediaError::AlreadyUploaded)));

    let (late, expires) = home.engine.media.announce(anna.nid).await.unwrap();
    home.clock.0.store(expires.as_millis(), std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(home.fetch(&late).await, Err(MediaError::NotFound)));
    for _ in 0..100 {
        home.engine.media.announce(anna.nid).await.unwrap();
    }
    assert!(matches!(home.engine.media.announce(anna.nid).await, Err(MediaError::TooManyAnnounced)));
}

#[tokio::test]
async fn thumbnails_of_all_formats() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let opaque = DynamicImage::from(RgbImage::from_fn(400, 200, |x, y| image::Rgb([x as u8, y as u8, 7])));
    let clear = DynamicImage::from(RgbaImage::from_pixel(400, 200, image::Rgba([1, 2, 3, 100])));
    for (picture, format, made) in [
        (&opaque, ImageFormat::Jpeg, "image/jpeg"),
        (&opaque, ImageFormat::Png, "image/jpeg"),
        (&clear, ImageFormat::Png, "image/png"),
        (&clear, ImageFormat::Gif, "image/png"),
        (&clear, ImageFormat::WebP, "image/png"),
    ] {
        let id = home.put(&anna, "image/anything", &encoded(picture, format)).await;
        let scaled = home.small(&id, 90, 90, false).await.unwrap();
        assert_eq!(scaled.content_type, made);
        let scaled = image::load_from_memory(&bytes(scaled).await).unwrap();
        assert_eq!((scaled.width(), scaled.height()), (96, 48));
        let cropped =
            image::load_from_memory(&bytes(home.small(&id, 32, 32, true).await.unwrap()).await).unwrap();
        assert_eq!((cropped.width(), cropped.height()), (32, 32));
        let whole =
            image::load_from_memory(&bytes(home.small(&id, 4000, 4000, false).await.unwrap()).await).unwrap();
        assert_eq!((whole.width(), whole.height()), (400, 200));
    }
}

#[tokio::test]
async fn a_thumbnail_is_made_once() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let picture = DynamicImage::from(RgbImage::new(300, 300));
    let id = home.put(&anna, "image/png", &encoded(&picture, ImageFormat::Png)).await;
    let asked = (0..20).map(|_| home.small(&id, 96, 96, false));
    let made = futures_util::future::join_all(asked).await;
    assert!(made.into_iter().all(|content| content.is_ok()));
    assert_eq!(home.files().len(), 2);
    let home = home.restart();
    home.small(&id, 50, 96, false).await.unwrap();
    assert_eq!(home.files().len(), 2);
}

#[tokio::test]
async fn no_thumbnail_of_what_is_not_a_picture_or_too_large() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let mut broken = encoded(&DynamicImage::from(RgbImage::new(50, 50)), ImageFormat::Png);
    broken.truncate(60);
    for content in [&b"ciphertext"[..], b"", b"<svg/>", &broken] {
        let id = home.put(&anna, "application/octet-stream", content).await;
        assert!(matches!(home.small(&id, 32, 32, false).await, Err(MediaError::NotAPicture)));
    }
    let id = home.put(&anna, "image/png", b"x").await;
    assert!(matches!(home.small(&id, 0, 32, false).await, Err(MediaError::Invalid(_))));

    // A bomb: a few kilobytes that claim to be 20 000 by 20 000 pixels.
    let mut bomb = encoded(&DynamicImage::from(RgbImage::new(1, 1)), ImageFormat::Gif);
    bomb[6..10].copy_from_slice(&[0x20, 0x4e, 0x20, 0x4e]);
    let id = home.put(&anna, "image/gif", &bomb).await;
    assert!(matches!(home.small(&id, 32, 32, false).await, Err(MediaError::PictureTooLarge)));
}

#[tokio::test]
async fn what_no_row_names_is_tidied_away_but_not_under_a_backup() {
    let home = Home::new();
    let anna = home.person("anna").await;
    let picture = encoded(&DynamicImage::ImageRgb8(RgbImage::new(400, 300)), ImageFormat::Png);
    let (kept, gone) =
        (home.put(&anna, "text/plain", b"kept").await, home.put(&anna, "image/png", &picture).await);
    home.small(&gone, 64, 64, true).await.unwrap();
    let (announced, expires) = home.engine.media.announce(anna.nid).await.unwrap();
    assert_eq!(home.files().len(), 3);
    let name = gone.clone();
    let forget = move |tx: &mut wardline_store::WriteTx<'_>| {
        tx.execute("DELETE FROM media WHERE media_id = ?1", wardline_store::params![name])
    };
    assert_eq!(home.store().write(forget).await.unwrap(), 1);

    let upkeep = &home.engine.upkeep;
    let removed = upkeep.tidy_rows().await.unwrap();
    assert_eq!((removed.thumbnails, removed.announced), (1, 0));
    assert_eq!(upkeep.tidy_files(Duration::from_hours(1)).await.unwrap(), 0, "young files are left alone");
    let hold = wardline_store::blobs::hold(&home.path().with_file_name("media")).unwrap();
    assert_eq!(upkeep.tidy_files(NOW).await.unwrap(), 0, "a backup is being taken");
    drop(hold);
    assert_eq!(upkeep.tidy_files(NOW).await.unwrap(), 2, "the picture and its thumbnail");
    assert_eq!(upkeep.tidy_files(NOW).await.unwrap(), 0);
    assert_eq!(bytes(home.fetch(&kept).await.unwrap()).await, b"kept");
    assert!(matches!(home.fetch(&gone).await, Err(MediaError::NotFound)));
    // The same content again is a file like any other.
    let again = home.put(&anna, "image/png", &picture).await;
    assert_eq!(bytes(home.fetch(&again).await.unwrap()).await, picture);

    home.clock.0.store(expires.as_millis(), std::sync::atomic::Ordering::Relaxed);
    assert_eq!(upkeep.tidy_rows().await.unwrap().announced, 1);
    assert!(matches!(home.fetch(&announced).await, Err(MediaError::NotFound)));
}
