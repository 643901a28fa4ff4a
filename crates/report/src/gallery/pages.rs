//! Figures on A4 pages: those of one column two abreast.

use crate::FigureError;
use crate::layout::{COLUMN_WIDTH, Glyphs, PAGE_WIDTH, lay_out_sheet, lay_out_within};
use crate::pdf::{About, Page, Placed, write_pages};
use crate::provenance::Provenance;
use crate::scene::Scene;

use super::Gallery;

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const LEFT: f32 = (WIDTH - PAGE_WIDTH) / 2.0;
const TOP: f32 = 40.0;
const BOTTOM: f32 = 36.0;
/// Between figures above each other.
const GAP: f32 = 12.0;

pub(super) fn write(gallery: &Gallery) -> Result<Vec<u8>, FigureError> {
    let scenes: Vec<Scene> = gallery
        .figures
        .iter()
        .map(|figure| lay_out_within(figure, Glyphs::Embedded))
        .collect::<Result<_, _>>()?;
    let paragraphs = gallery.paragraphs();
    let blank = lay_out_sheet(&gallery.title, "", &paragraphs)?;
    let bodies = paginate(&scenes, HEIGHT - TOP - BOTTOM - blank.top - blank.bottom);
    let sheets = (1..=bodies.len())
        .map(|page| {
            let sheet = lay_out_sheet(&gallery.title, &format!("{page} of {}", bodies.len()), &paragraphs)?;
            Ok([sheet.heading, sheet.foot])
        })
        .collect::<Result<Vec<_>, FigureError>>()?;
    let pages: Vec<Page<'_>> = bodies
        .iter()
        .zip(&sheets)
        .map(|(body, [heading, foot])| {
            let fixed = |scene, y| Placed { scene, x: LEFT, y, scale: 1.0 };
            let body = body.iter().map(|place| Placed {
                scene: &scenes[place.figure],
                x: LEFT + place.x,
                y: TOP + blank.top + place.y,
                scale: place.scale,
            });
            let around = [fixed(heading, TOP), fixed(foot, HEIGHT - BOTTOM - blank.bottom)];
            Page { width: WIDTH, height: HEIGHT, scenes: around.into_iter().chain(body).collect() }
        })
        .collect();
    let about = About {
        title: gallery.title.clone(),
        description: paragraphs.join("; "),
        keywords: gallery.provenance.iter().map(Provenance::subject).collect(),
    };
    write_pages(about, &pages)
}

/// Where a figure lies on a page's body.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    figure: usize,
    x: f32,
    y: f32,
    scale: f32,
}

/// The figures in reading order on as many pages as they need, each with room for `height`.
fn paginate(scenes: &[Scene], height: f32) -> Vec<Vec<Place>> {
    let mut pages: Vec<Vec<Place>> = vec![Vec::new()];
    let mut top = 0.0;
    let mut next = 0;
    while next < scenes.len() {
        let is_narrow = |figure: usize| scenes.get(figure).is_some_and(|scene| scene.width <= COLUMN_WIDTH);
        let abreast = if is_narrow(next) && is_narrow(next + 1) { 2 } else { 1 };
        let row = next..next + abreast;
        let scale = |figure: usize| (height / scenes[figure].height).min(1.0);
        let row_height = row.clone().map(|figure| scenes[figure].height * scale(figure)).fold(0.0, f32::max);
        if top + row_height > height && top > 0.0 {
            pages.push(Vec::new());
            top = 0.0;
        }
        let place = |figure: usize| Place {
            figure,
            x: if figure == next { 0.0 } else { PAGE_WIDTH - COLUMN_WIDTH },
            y: top,
            scale: scale(figure),
        };
        let places: Vec<Place> = row.map(place).collect();
        pages.last_mut().into_iter().for_each(|page| page.extend_from_slice(&places));
        top += row_height + GAP;
        next += abreast;
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenes(sizes: &[(f32, f32)]) -> Vec<Scene> {
        let scene = |&(width, height): &(f32, f32)| Scene {
            width,
            height,
            title: String::new(),
            description: String::new(),
            provenance: Vec::new(),
            items: Vec::new(),
        };
        sizes.iter().map(scene).collect()
    }

    #[test]
    fn narrow_figures_stand_two_abreast_and_pages_fill_up() {
        let narrow = (COLUMN_WIDTH, 100.0);
        let pages = paginate(&scenes(&[narrow, narrow, narrow, (PAGE_WIDTH, 100.0), narrow]), 330.0);
        let figures: Vec<Vec<usize>> =
            pages.iter().map(|page| page.iter().map(|place| place.figure).collect()).collect();
        assert_eq!(figures, [vec![0, 1, 2, 3], vec![4]]);
        assert!(pages[0][1].x > COLUMN_WIDTH && pages[0][1].y == 0.0);
        assert_eq!(pages[0][2].y, 112.0);
        assert_eq!(pages[1][0].y, 0.0);
    }

    #[test]
    fn a_figure_higher_than_a_page_is_scaled_down() {
        let pages =
            paginate(&scenes(&[(PAGE_WIDTH, 100.0), (PAGE_WIDTH, 1000.0), (PAGE_WIDTH, 100.0)]), 500.0);
        assert_eq!(pages.len(), 3);
        assert_eq!(pages[1], [Place { figure: 1, x: 0.0, y: 0.0, scale: 0.5 }]);
    }
}
