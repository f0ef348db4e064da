#include "ingest/body_reader.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/wire_format_lite.h>

#include <algorithm>
#include <string>
#include <vector>

namespace tidemark::ingest {
namespace {

namespace pb = google::protobuf;
using pb::internal::WireFormatLite;

constexpr int kFirstSetAsideKind = 16;
constexpr int kLastSetAsideKind = 31;

constexpr uint32_t Tag(int field, WireFormatLite::WireType type) {
  return WireFormatLite::MakeTag(field, type);
}

struct RawName {
  uint64_t version = 0;
  uint64_t number = 0;
  std::string stream_id;
  std::string writer_id;
};

bool ReadBytes(pb::io::CodedInputStream& input, std::string* to) {
  uint32_t size = 0;
  return input.ReadVarint32(&size) && size <= kBodyBytesMax &&
         input.ReadString(to, static_cast<int>(size));
}

bool ReadField(pb::io::CodedInputStream& input, uint32_t tag, RawName* name) {
  switch (tag) {
    case Tag(v1::ChunkBody::kVersionFieldNumber, WireFormatLite::WIRETYPE_VARINT):
      return input.ReadVarint64(&name->version);
    case Tag(v1::ChunkBody::kNumberFieldNumber, WireFormatLite::WIRETYPE_VARINT):
      return input.ReadVarint64(&name->number);
    case Tag(v1::ChunkBody::kStreamIdFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED):
      return ReadBytes(input, &name->stream_id);
    case Tag(v1::ChunkBody::kWriterIdFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED):
      return ReadBytes(input, &name->writer_id);
    default:
      return WireFormatLite::SkipField(&input, tag);
  }
}

bool HasUnknownEnum(const pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& reflection = *message.GetReflection();
  const auto known = [&field](int value) {
    return field.enum_type()->FindValueByNumber(value) != nullptr;
  };
  if (!field.is_repeated()) return !known(reflection.GetEnumValue(message, &field));
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (!known(reflection.GetRepeatedEnumValue(message, &field, i))) return true;
  }
  return false;
}

// What the unknown fields of this one message say.
Understanding OfUnknownFields(const pb::Message& message) {
  const pb::UnknownFieldSet& unknown = message.GetReflection()->GetUnknownFields(message);
  if (unknown.empty()) return Understanding::kAll;
  if (message.GetDescriptor() != v1::Record::descriptor()) return Understanding::kUnknown;
  for (int i = 0; i < unknown.field_count(); ++i) {
    const int number = unknown.field(i).number();
    if (number < kFirstSetAsideKind || number > kLastSetAsideKind) return Understanding::kUnknown;
  }
  return Understanding::kNotYetSupported;
}

Understanding Of(const pb::Message& message) {
  Understanding worst = OfUnknownFields(message);
  const pb::Reflection& reflection = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_ENUM && HasUnknownEnum(message, *field)) {
      return Understanding::kUnknown;
    }
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      worst = std::max(worst, Of(reflection.GetMessage(message, field)));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      worst = std::max(worst, Of(reflection.GetRepeatedMessage(message, field, i)));
    }
  }
  return worst;
}

}  // namespace

std::optional<BodyName> ReadBodyName(std::string_view body) {
  pb::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(body.data()),
                                 static_cast<int>(body.size()));
  RawName raw;
  while (const uint32_t tag = input.ReadTag()) {
    if (!ReadField(input, tag, &raw)) return std::nullopt;
  }
  if (!input.ConsumedEntireMessage()) return std::nullopt;
  const auto stream_id = StreamId::FromBytes(raw.stream_id);
  const auto writer_id = WriterId::FromBytes(raw.writer_id);
  if (!stream_id.ok() || !writer_id.ok()) return std::nullopt;
  if (raw.number >= static_cast<uint64_t>(kNumberEnd)) return std::nullopt;
  return BodyName{{*stream_id, *writer_id, static_cast<int64_t>(raw.number)},
                  static_cast<uint32_t>(std::min<uint64_t>(raw.version, UINT32_MAX))};
}

Understanding UnderstandingOf(const v1::ChunkBody& body) { return Of(body); }

}  // namespace tidemark::ingest
