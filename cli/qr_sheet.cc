#include "cli/qr_sheet.h"

#include <fmt/format.h>
#include <qrencode.h>

#include <iterator>
#include <memory>

#include "base/status_macros.h"
#include "cli/plot/xml_text.h"

namespace tidemark::cli {
namespace {

constexpr int kColumns = 3;
constexpr double kSheetWidthMm = 210;
constexpr double kMarginMm = 10;
constexpr double kLabelWidthMm = (kSheetWidthMm - 2 * kMarginMm) / kColumns;
constexpr double kLabelHeightMm = 72;
constexpr double kCodeMm = 46;
constexpr int kQuietModules = 4;  // white around a code, as its standard asks for

// The dark modules as one path, in units of a module.
absl::StatusOr<std::string> CodePath(const std::string& text, int& modules) {
  const std::unique_ptr<QRcode, void (*)(QRcode*)> code(
      QRcode_encodeString8bit(text.c_str(), 0, QR_ECLEVEL_M), QRcode_free);
  if (code == nullptr) return absl::InvalidArgumentError("a code is too long for a QR code");
  modules = code->width;
  std::string path;
  for (int y = 0; y < modules; ++y) {
    for (int x = 0; x < modules; ++x) {
      const bool is_dark = (code->data[y * modules + x] & 1) != 0;
      if (is_dark) fmt::format_to(std::back_inserter(path), "M{} {}h1v1h-1z", x, y);
    }
  }
  return path;
}

void AddText(std::string& svg, double x_mm, double y_mm, double size_mm, const std::string& text) {
  fmt::format_to(std::back_inserter(svg),
                 "<text x=\"{:.2f}\" y=\"{:.2f}\" font-size=\"{:.1f}\">{}</text>\n", x_mm, y_mm,
                 size_mm, EscapeXml(text));
}

absl::Status AddLabel(std::string& svg, const CodeLabel& label, double x_mm, double y_mm) {
  int modules = 0;
  TM_ASSIGN_OR_RETURN(const std::string path, CodePath(label.code, modules));
  const double scale = kCodeMm / (modules + 2 * kQuietModules);
  const double inset = (kLabelWidthMm - kCodeMm) / 2 + scale * kQuietModules;
  fmt::format_to(std::back_inserter(svg),
                 "<rect x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\" "
                 "fill=\"none\" stroke=\"#bbb\" stroke-width=\"0.2\"/>\n",
                 x_mm, y_mm, kLabelWidthMm, kLabelHeightMm);
  AddText(svg, x_mm + 3, y_mm + 7, 4.5, label.participant + " · " + label.device);
  fmt::format_to(std::back_inserter(svg),
                 "<path transform=\"translate({:.3f} {:.3f}) scale({:.5f})\" d=\"{}\"/>\n",
                 x_mm + inset, y_mm + 9 + scale * kQuietModules, scale, path);
  // A code is read by a camera; typing it is the last resort, so it may take two lines.
  const size_t half = (label.code.size() + 1) / 2;
  AddText(svg, x_mm + 3, y_mm + 58.5, 2.4, label.code.substr(0, half));
  AddText(svg, x_mm + 3, y_mm + 61.5, 2.4, label.code.substr(half));
  AddText(svg, x_mm + 3, y_mm + 66, 2.5, "until " + label.expires);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> QrSheet(std::span<const CodeLabel> labels) {
  const size_t rows = (labels.size() + kColumns - 1) / kColumns;
  const double height_mm = 2 * kMarginMm + kLabelHeightMm * static_cast<double>(rows);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}mm\" height=\"{1:.0f}mm\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"monospace\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
      kSheetWidthMm, height_mm);
  for (size_t i = 0; i < labels.size(); ++i) {
    const size_t column = i % kColumns;
    const size_t row = i / kColumns;
    TM_RETURN_IF_ERROR(AddLabel(svg, labels[i],
                                kMarginMm + kLabelWidthMm * static_cast<double>(column),
                                kMarginMm + kLabelHeightMm * static_cast<double>(row)));
  }
  return svg + "</svg>\n";
}

}  // namespace tidemark::cli
