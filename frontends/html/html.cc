#include "frontends/html/html.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cstdint>

#include "frontends/html/gzip.h"

namespace fble {

const std::string_view kHtmlColours = R"(
  :root { color-scheme: light dark; --ink: light-dark(#1c1e21, #e4e6e9); --soft: light-dark(#62676e, #9aa0a8);
          --paper: light-dark(#fff, #16181b); --panel: light-dark(#f4f5f7, #202327); --link: light-dark(#0b57a4, #7db7f0);
          --line: light-dark(#dcdfe3, #34383e); }
)";

namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group = group << 8 | (at + i < bytes.size() ? static_cast<uint8_t>(bytes[at + i]) : 0);
    }
    for (int shift = 18; shift >= 0; shift -= 6) text += kDigits[group >> shift & 63];
  }
  const size_t padding = (3 - bytes.size() % 3) % 3;
  text.replace(text.size() - padding, padding, padding, '=');
  return text;
}

/// Returns the start tag of a data element.
std::string data_tag(std::string_view id) {
  return fmt::format("<script type=\"application/octet-stream\" id=\"{}\">", id);
}

constexpr std::string_view kScriptEnd = "</script>";

/// Returns a word that is in the policy and in the tags of the page's own style and script. Text that got into the page
/// by a mistake in escaping could not name it: it depends on all of the data.
std::string nonce_of(const ScriptPage& page) {
  uLong sum = crc32(0, nullptr, 0);
  const auto add = [&](std::string_view text) {
    sum = crc32_z(sum, reinterpret_cast<const Bytef*>(text.data()), text.size());
  };
  add(page.title);
  for (const HtmlData& data : page.data) add(data.text);
  return fmt::format("{:08x}", sum);
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

std::string pack_data(std::string_view bytes) { return base64(gzipped(bytes)); }

std::optional<std::string> find_data(std::string_view page, std::string_view id) {
  const std::string tag = data_tag(id);
  const size_t at = page.find(tag);
  if (at == std::string_view::npos) return std::nullopt;
  const size_t start = at + tag.size();
  const size_t end = page.find(kScriptEnd, start);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(page.substr(start, end - start));
}

std::string script_page(const ScriptPage& page) {
  const std::string nonce = nonce_of(page);
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'nonce-{0}'; script-src "
      "'nonce-{0}'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{1}</title>\n<style nonce=\"{0}\">{2}{3}</style>\n</head>\n<body>\n{4}",
      nonce, escape_html(page.title), kHtmlColours, page.style, page.body);
  for (const HtmlData& data : page.data) html += data_tag(data.id) + data.text + std::string(kScriptEnd) + "\n";
  html += fmt::format("<script nonce=\"{}\">\n{}{}\n</body>\n</html>\n", nonce, page.script, kScriptEnd);
  return html;
}

}  // namespace fble
