#include "study/streams.h"

#include <optional>
#include <utility>

#include "base/db/transaction.h"
#include "base/endian.h"
#include "base/rpc/reason.h"
#include "base/status_macros.h"
#include "store/stream_codec.h"
#include "study/fields.h"
#include "study/page.h"
#include "study/pg_device_rows.h"
#include "study/sql.h"

namespace tidemark::study {
namespace {

constexpr uint8_t kUuidVersion7 = 7;

absl::Status StreamTaken(std::string message) {
  return rpc::Error(absl::StatusCode::kAlreadyExists, v1::ERROR_REASON_ALREADY_EXISTS,
                    std::move(message));
}

// "channels[2].unit: has 1 to 32 bytes" as an error of the request's field.
absl::Status AsFieldError(const absl::Status& status) {
  const std::string text(status.message());
  const size_t colon = text.find(": ");
  if (colon == std::string::npos) return rpc::FieldError("declaration", text);
  return rpc::FieldError("declaration." + text.substr(0, colon), text.substr(colon + 2));
}

// A declaration that keeps its rules, in the form it is stored and compared in.
struct Declared {
  StreamId stream_id;
  std::string name;
  int version = 0;
  v1::Modality modality = v1::MODALITY_UNSPECIFIED;
  std::string declaration;
};

absl::StatusOr<Declared> Decode(const v1::DeclareStreamRequest& request) {
  Declared declared;
  TM_ASSIGN_OR_RETURN(declared.stream_id, ParseId<StreamId>("stream_id", request.stream_id()));
  if (declared.stream_id.uuid.bytes[6] >> 4 != kUuidVersion7) {
    return rpc::FieldError("stream_id", "is a UUIDv7");
  }
  TM_RETURN_IF_ERROR(CheckLabel("name", request.name()));
  if (request.version() == 0 || request.version() > kStreamVersionsMax) {
    return rpc::FieldError("version", "counts from 1 to 100000");
  }
  if (const absl::Status valid = store::ValidateDeclaration(request.declaration()); !valid.ok()) {
    return AsFieldError(valid);
  }
  declared.name = request.name();
  declared.version = static_cast<int>(request.version());
  declared.modality = request.declaration().modality();
  declared.declaration = store::SerializeDeclaration(request.declaration());
  return declared;
}

// Makes the stream, or checks that it is this device's stream of this name.
absl::Status EnsureStream(db::Transaction& tx, const Call& call, const Declared& declared) {
  const std::string participant = call.participant_id.ToString();
  const std::string stream = declared.stream_id.ToString();
  const std::string device = call.device_id.ToString();
  pqxx::result rows = tx.Exec(sql::kFindStream, participant, stream);
  if (rows.empty()) {
    if (declared.version != 1) return StateConflict("the stream has no version before this one");
    const pqxx::result count = tx.Exec(sql::kCountStreams, participant, device);
    if (count[0][0].as<int64_t>() >= kStreamsPerDeviceMax) {
      return StateConflict("the device has declared too many streams");
    }
    tx.Exec(sql::kInsertStream, participant, stream, call.study_id.ToString(), device,
            declared.name);
    rows = tx.Exec(sql::kFindStream, participant, stream);
    if (rows.empty()) return StreamTaken("the device has another stream of this name");
  }
  if (rows[0]["device_id"].as<std::string>() != device ||
      rows[0]["name"].as<std::string>() != declared.name) {
    return StreamTaken("the stream was declared otherwise");
  }
  return absl::OkStatus();
}

// When the version was declared, if it was.
absl::StatusOr<std::optional<int64_t>> FindDeclared(db::Transaction& tx, const Call& call,
                                                    const Declared& declared) {
  const pqxx::result rows = tx.Exec(sql::kFindStreamVersion, call.participant_id.ToString(),
                                    declared.stream_id.ToString(), declared.version);
  if (rows.empty()) return std::nullopt;
  if (db::BytesOf(rows[0]["declaration"]) != declared.declaration) {
    return StreamTaken("this version of the stream was declared otherwise");
  }
  return rows[0]["declared_at_us"].as<int64_t>();
}

absl::Status CheckFollows(db::Transaction& tx, const Call& call, const Declared& declared) {
  const pqxx::result rows = tx.Exec(sql::kFindNewestVersion, call.participant_id.ToString(),
                                    declared.stream_id.ToString());
  const int newest = rows.empty() ? 0 : rows[0]["version"].as<int>();
  if (declared.version != newest + 1) {
    return StateConflict("the stream has no version before this one");
  }
  if (rows.empty()) return absl::OkStatus();
  v1::StreamDeclaration before;
  if (!before.ParseFromString(db::BytesOf(rows[0]["declaration"]))) {
    return absl::DataLossError("a stored declaration cannot be read");
  }
  if (store::KindOf(before.modality()) != store::KindOf(declared.modality)) {
    return StateConflict("the kind of payload of a stream never changes");
  }
  return absl::OkStatus();
}

v1::Stream StreamOfRow(const pqxx::row& row) {
  v1::Stream stream;
  stream.set_stream_id(row["stream_id"].as<std::string>());
  stream.set_device_id(row["device_id"].as<std::string>());
  stream.set_name(row["name"].as<std::string>());
  stream.set_version(row["version"].as<uint32_t>());
  stream.mutable_declaration()->ParseFromString(db::BytesOf(row["declaration"]));
  *stream.mutable_declared_at() = TimestampOfUs(row["declared_at_us"].as<int64_t>());
  return stream;
}

// The place of a stream's version in the order of the list.
std::string CursorOf(const v1::Stream& stream) {
  std::string cursor;
  AppendLe(cursor, stream.version());
  return cursor + stream.stream_id();
}

struct ListStart {
  std::string stream_id = StreamId{}.ToString();
  uint32_t version = 0;
};

ListStart StartOf(const std::string& cursor) {
  if (cursor.empty()) return {};
  ByteReader reader(cursor);
  ListStart start;
  start.version = reader.Read<uint32_t>();
  start.stream_id = reader.rest();
  return start;
}

// A calling device sees its own streams only, whatever it asks for.
absl::StatusOr<std::optional<std::string>> DeviceFilter(const Call& call,
                                                        const v1::ListStreamsRequest& request) {
  std::optional<std::string> filter;
  if (!request.device_id().empty()) {
    TM_ASSIGN_OR_RETURN(const DeviceId id, ParseId<DeviceId>("device_id", request.device_id()));
    filter = id.ToString();
  }
  if (call.device_id.IsZero()) return filter;
  const std::string own = call.device_id.ToString();
  if (filter && *filter != own) {
    return rpc::Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NOT_PERMITTED,
                      "not permitted");
  }
  return own;
}

}  // namespace

absl::StatusOr<v1::DeclareStreamResponse> Streams::Declare(
    const Call& call, const v1::DeclareStreamRequest& request) const {
  TM_ASSIGN_OR_RETURN(const Declared declared, Decode(request));
  const int64_t now_us = NowUs(*context_.clock);
  TM_ASSIGN_OR_RETURN(
      const int64_t declared_at_us,
      db::Transact(*context_.pool, "DeclareStream", call.scope, call.deadline,
                   [&](db::Transaction& tx) -> absl::StatusOr<int64_t> {
                     TM_RETURN_IF_ERROR(EnsureStream(tx, call, declared));
                     TM_ASSIGN_OR_RETURN(std::optional<int64_t> known,
                                         FindDeclared(tx, call, declared));
                     if (known) return *known;
                     TM_RETURN_IF_ERROR(CheckFollows(tx, call, declared));
                     tx.Exec(sql::kInsertStreamVersion, call.participant_id.ToString(),
                             declared.stream_id.ToString(), declared.version,
                             call.study_id.ToString(), db::Bytea(declared.declaration), now_us);
                     TM_ASSIGN_OR_RETURN(known, FindDeclared(tx, call, declared));
                     if (!known) return absl::InternalError("a declared version is missing");
                     return *known;
                   }));
  v1::DeclareStreamResponse response;
  v1::Stream& stream = *response.mutable_stream();
  stream.set_stream_id(declared.stream_id.ToString());
  stream.set_device_id(call.device_id.ToString());
  stream.set_name(declared.name);
  stream.set_version(request.version());
  stream.mutable_declaration()->ParseFromString(declared.declaration);
  *stream.mutable_declared_at() = TimestampOfUs(declared_at_us);
  return response;
}

absl::StatusOr<v1::ListStreamsResponse> Streams::List(const Call& call,
                                                      const v1::ListStreamsRequest& request) const {
  TM_ASSIGN_OR_RETURN(const std::optional<std::string> device, DeviceFilter(call, request));
  TM_ASSIGN_OR_RETURN(const Page page,
                      Page::Open(*context_.keys, call, "/tidemark.v1.DeviceService/ListStreams",
                                 request.page_size(), request.page_token()));
  const ListStart start = StartOf(page.cursor());
  return db::Transact(
      *context_.pool, "ListStreams", call.scope, call.deadline,
      [&](db::Transaction& tx) -> absl::StatusOr<v1::ListStreamsResponse> {
        const pqxx::result rows = tx.Exec(sql::kListStreams, call.participant_id.ToString(), device,
                                          request.all_versions(), start.stream_id,
                                          static_cast<int>(start.version), page.rows_to_ask());
        const int count = static_cast<int>(rows.size());
        v1::ListStreamsResponse response;
        PageRoom room;
        for (int i = 0; i < page.RowsOf(count); ++i) {
          v1::Stream stream = StreamOfRow(rows[i]);
          if (!room.TryTake(stream.ByteSizeLong())) break;
          *response.add_streams() = std::move(stream);
        }
        if (response.streams_size() < count) {
          response.set_next_page_token(page.TokenAfter(CursorOf(*response.streams().rbegin())));
        }
        return response;
      });
}

}  // namespace tidemark::study
