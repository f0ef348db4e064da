#include "store/stream_codec.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "base/status_macros.h"
#include "store/stream_catalog.h"

namespace tidemark::store {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr size_t kUnitBytesMax = 32;
constexpr size_t kMediaTypeBytesMax = 128;
constexpr size_t kBodySiteBytesMax = 32;
constexpr size_t kReferenceFrameBytesMax = 64;
constexpr int64_t kNsPerS = 1'000'000'000;

absl::Status Broken(std::string_view field, std::string_view rule) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", field, rule));
}

bool IsPrintableAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> allowed) {
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

// A field that this server does not know may change the meaning of those it knows.
bool HasUnknownFields(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (!reflection.GetUnknownFields(message).empty()) return true;
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const auto* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      if (HasUnknownFields(reflection.GetMessage(message, field))) return true;
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      if (HasUnknownFields(reflection.GetRepeatedMessage(message, field, i))) return true;
    }
  }
  return false;
}

bool IsAcceleration(v1::Modality modality) {
  return modality == v1::MODALITY_ACCELERATION || modality == v1::MODALITY_USER_ACCELERATION ||
         modality == v1::MODALITY_GRAVITY;
}

bool IsMotion(v1::Modality modality) {
  return IsAcceleration(modality) || modality == v1::MODALITY_GYROSCOPE ||
         modality == v1::MODALITY_MAGNETOMETER || modality == v1::MODALITY_ATTITUDE;
}

// The number of channels a modality is defined with, 0 where the device decides.
int FixedChannelCount(v1::Modality modality) {
  if (modality == v1::MODALITY_ATTITUDE) return 4;
  return IsMotion(modality) ? 3 : 0;
}

absl::Status ValidateChannel(const v1::Channel& channel, const std::string& field) {
  if (channel.name().empty() || channel.name().size() > kNameBytesMax) {
    return Broken(field + ".name", "has 1 to 64 bytes");
  }
  if (channel.unit().empty() || channel.unit().size() > kUnitBytesMax ||
      !IsPrintableAscii(channel.unit())) {
    return Broken(field + ".unit", "is a UCUM code of 1 to 32 bytes");
  }
  if (channel.type() == v1::CHANNEL_TYPE_UNSPECIFIED || !v1::ChannelType_IsValid(channel.type())) {
    return Broken(field + ".type", "is a known channel type");
  }
  if (!std::isfinite(channel.scale())) return Broken(field + ".scale", "is finite");
  if (!std::isfinite(channel.offset())) return Broken(field + ".offset", "is finite");
  return absl::OkStatus();
}

absl::Status ValidateChannels(const v1::StreamDeclaration& declaration) {
  const int count = declaration.channels_size();
  if (KindOf(declaration.modality()) != PayloadKind::kSamples) {
    return count == 0 ? absl::OkStatus() : Broken("channels", "only sampled streams have channels");
  }
  if (count < 1 || count > kChannelsMax) return Broken("channels", "has 1 to 64 entries");
  const int fixed = FixedChannelCount(declaration.modality());
  if (fixed != 0 && count != fixed) {
    return Broken("channels", fmt::format("has {} entries for this modality", fixed));
  }
  std::set<std::string> names;
  for (int i = 0; i < count; ++i) {
    const std::string field = fmt::format("channels[{}]", i);
    TM_RETURN_IF_ERROR(ValidateChannel(declaration.channels(i), field));
    if (!names.insert(declaration.channels(i).name()).second) {
      return Broken(field + ".name", "is unique within the stream");
    }
  }
  return absl::OkStatus();
}

// "+x +y +z" in any order and sign, each axis once.
bool IsAxisList(std::string_view axes) {
  if (axes.size() != 8 || axes[2] != ' ' || axes[5] != ' ') return false;
  std::set<char> seen;
  for (const size_t at : {size_t{0}, size_t{3}, size_t{6}}) {
    const bool is_signed = axes[at] == '+' || axes[at] == '-';
    const char axis = axes[at + 1];
    if (!is_signed || axis < 'x' || axis > 'z') return false;
    seen.insert(axis);
  }
  return seen.size() == 3;
}

absl::Status ValidateFrame(const v1::StreamDeclaration& declaration) {
  if (!declaration.has_frame()) return absl::OkStatus();
  const v1::AxisFrame& frame = declaration.frame();
  const v1::Modality modality = declaration.modality();
  if (!IsMotion(modality) && frame.ByteSizeLong() > 0) {
    return Broken("frame", "only motion streams have one");
  }
  if (!frame.axes().empty() && !IsAxisList(frame.axes())) {
    return Broken("frame.axes", "names x, y and z once each with a sign, such as \"+x +y +z\"");
  }
  if (!v1::RestSign_IsValid(frame.rest_sign())) {
    return Broken("frame.rest_sign", "is a known sign");
  }
  if (frame.rest_sign() != v1::REST_SIGN_UNSPECIFIED && !IsAcceleration(modality)) {
    return Broken("frame.rest_sign", "only accelerations have one");
  }
  if (!IsOneOf(frame.quaternion_order(), {"", "wxyz", "xyzw"})) {
    return Broken("frame.quaternion_order", "is \"wxyz\" or \"xyzw\"");
  }
  const bool has_attitude_fields =
      !frame.quaternion_order().empty() || !frame.reference_frame().empty();
  if (has_attitude_fields && modality != v1::MODALITY_ATTITUDE) {
    return Broken("frame", "only attitude has a quaternion order and a reference frame");
  }
  if (frame.reference_frame().size() > kReferenceFrameBytesMax) {
    return Broken("frame.reference_frame", "has at most 64 bytes");
  }
  return absl::OkStatus();
}

absl::Status ValidatePlacement(const v1::Placement& placement) {
  if (placement.body_site().size() > kBodySiteBytesMax) {
    return Broken("placement.body_site", "has at most 32 bytes");
  }
  if (!IsOneOf(placement.side(), {"", "left", "right"})) {
    return Broken("placement.side", "is \"left\", \"right\" or empty");
  }
  if (!IsOneOf(placement.crown_side(), {"", "left", "right"})) {
    return Broken("placement.crown_side", "is \"left\", \"right\" or empty");
  }
  return absl::OkStatus();
}

absl::Status ValidateTiming(const v1::StreamDeclaration& declaration) {
  const v1::Rational& rate = declaration.nominal_rate();
  if ((rate.numerator() == 0) != (rate.denominator() == 0)) {
    return Broken("nominal_rate", "has a numerator and a denominator from 1, or neither");
  }
  const PayloadKind kind = KindOf(declaration.modality());
  if (declaration.stamped() && kind != PayloadKind::kSamples) {
    return Broken("stamped", "only sampled streams carry a stamp per sample");
  }
  if (declaration.modality() == v1::MODALITY_INTER_BEAT_INTERVAL && !declaration.stamped()) {
    return Broken("stamped", "inter-beat intervals carry a stamp per sample");
  }
  return absl::OkStatus();
}

absl::Status ValidateMediaType(const v1::StreamDeclaration& declaration) {
  const std::string_view type = declaration.media_type();
  if (KindOf(declaration.modality()) != PayloadKind::kEncoded) {
    return type.empty() ? absl::OkStatus() : Broken("media_type", "only encoded streams have one");
  }
  const size_t slash = type.find('/');
  const bool has_two_parts =
      slash != std::string_view::npos && slash > 0 && slash + 1 < type.size();
  const bool is_printable =
      std::all_of(type.begin(), type.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (type.size() > kMediaTypeBytesMax || !has_two_parts || !is_printable) {
    return Broken("media_type", "is a media type such as video/hevc of at most 128 bytes");
  }
  return absl::OkStatus();
}

int64_t PeriodNs(const v1::Rational& rate) {
  if (rate.numerator() == 0) return 0;
  const uint64_t numerator = rate.numerator();
  // At most 2^32 * 10^9 + 2^31: fits.
  return static_cast<int64_t>((rate.denominator() * uint64_t{kNsPerS} + numerator / 2) / numerator);
}

}  // namespace

PayloadKind KindOf(v1::Modality modality) {
  switch (modality) {
    case v1::MODALITY_ENCODED_VIDEO:
    case v1::MODALITY_ENCODED_AUDIO:
      return PayloadKind::kEncoded;
    case v1::MODALITY_RECORDS:
      return PayloadKind::kRecords;
    default:
      return PayloadKind::kSamples;
  }
}

absl::Status ValidateDeclaration(const v1::StreamDeclaration& declaration) {
  if (HasUnknownFields(declaration)) {
    return Broken("declaration", "has no fields that this server does not know");
  }
  if (declaration.modality() == v1::MODALITY_UNSPECIFIED ||
      !v1::Modality_IsValid(declaration.modality())) {
    return Broken("modality", "is a known modality");
  }
  TM_RETURN_IF_ERROR(ValidateChannels(declaration));
  TM_RETURN_IF_ERROR(ValidateFrame(declaration));
  TM_RETURN_IF_ERROR(ValidatePlacement(declaration.placement()));
  TM_RETURN_IF_ERROR(ValidateTiming(declaration));
  return ValidateMediaType(declaration);
}

std::string SerializeDeclaration(const v1::StreamDeclaration& declaration) {
  v1::StreamDeclaration normal = declaration;
  for (v1::Channel& channel : *normal.mutable_channels()) {
    if (channel.scale() == 0) channel.set_scale(1);
    if (channel.offset() == 0) channel.clear_offset();  // minus zero too
  }
  if (normal.frame().ByteSizeLong() == 0) normal.clear_frame();
  if (normal.placement().ByteSizeLong() == 0) normal.clear_placement();
  if (normal.nominal_rate().ByteSizeLong() == 0) normal.clear_nominal_rate();
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  normal.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

void FillFromDeclaration(const v1::StreamDeclaration& declaration, StreamInfo& info) {
  info.modality = declaration.modality();
  info.kind = KindOf(declaration.modality());
  info.stamped = declaration.stamped();
  info.period_ns = PeriodNs(declaration.nominal_rate());
  info.channels.clear();
  for (const v1::Channel& channel : declaration.channels()) {
    info.channels.push_back({.name = channel.name(),
                             .unit = channel.unit(),
                             .type = static_cast<signal::SampleType>(channel.type()),
                             .scale = channel.scale() == 0 ? 1 : channel.scale(),
                             .offset = channel.offset()});
  }
  info.declaration = SerializeDeclaration(declaration);
}

absl::Status DecodeDeclaration(std::string_view declaration, StreamInfo& info) {
  v1::StreamDeclaration parsed;
  if (!parsed.ParseFromArray(declaration.data(), static_cast<int>(declaration.size()))) {
    return Broken("declaration", "is a serialized StreamDeclaration");
  }
  TM_RETURN_IF_ERROR(ValidateDeclaration(parsed));
  FillFromDeclaration(parsed, info);
  return absl::OkStatus();
}

static_assert(static_cast<int>(signal::SampleType::kInt16) == v1::CHANNEL_TYPE_INT16 &&
              static_cast<int>(signal::SampleType::kInt32) == v1::CHANNEL_TYPE_INT32 &&
              static_cast<int>(signal::SampleType::kFloat32) == v1::CHANNEL_TYPE_FLOAT32 &&
              static_cast<int>(signal::SampleType::kFloat64) == v1::CHANNEL_TYPE_FLOAT64);

}  // namespace tidemark::store
