#include "tests/store/signal_scene.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>

#include "base/base64.h"
#include "core/signal/codec.h"
#include "core/signal/tiles.h"
#include "store/envelope.h"
#include "store/sql.h"
#include "store/stream_codec.h"
#include "tidemark/v1/chunk.pb.h"

namespace tidemark::store {
namespace {

std::string Bytea(std::string_view bytes) { return fmt::format("'\\x{}'", HexEncode(bytes)); }

std::string EncodedBody(const ChunkRow& row, const StoredChunk& chunk) {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(std::string(row.stream_id.AsBytes()));
  body.set_number(static_cast<uint64_t>(row.number));
  body.mutable_encoded()->set_begin_device_ns(chunk.stamps.first_ns());
  body.mutable_encoded()->set_end_device_ns(chunk.stamps.last_ns());
  body.mutable_encoded()->set_data(chunk.encoded);
  return body.SerializeAsString();
}

ChunkRow RowOf(const SignalScene::Person& person, const StreamInfo& stream, WriterId writer,
               const StoredChunk& chunk) {
  ChunkRow row;
  row.participant_id = person.participant_id;
  row.stream_id = stream.stream_id;
  row.writer_id = writer;
  row.number = chunk.number;
  row.study_id = person.study_id;
  row.device_id = person.device_id;
  row.stream_version = stream.version;
  row.kind = stream.kind;
  row.boot_id = chunk.boot_id;
  row.clock_id = chunk.clock_id;
  row.first_counter = chunk.first_counter;
  row.sample_count = chunk.encoded.empty() ? static_cast<int32_t>(chunk.stamps.size()) : 1;
  const signal::StampSurvey survey = signal::SurveyStamps(chunk.stamps);
  row.flags = (survey.has_repeat ? kFlagRepeatedStamp : 0) |
              (survey.has_backward_step ? kFlagBackwardStamp : 0);
  row.outlier_stamps = static_cast<int32_t>(survey.outliers);
  row.t_min_ns = survey.t_min_ns;
  row.t_max_ns = survey.t_max_ns;
  return row;
}

}  // namespace

SignalScene::SignalScene() {
  auto keys = OpenFolderKeyStore({.folder = folder_.path()});
  EXPECT_TRUE(keys.ok()) << keys.status();
  keys_ = *std::move(keys);
  db::PoolOptions options;
  options.dsn = database_.Dsn("tm_read");
  options.connections_max = 2;
  options.statements = {sql::kAllStatements};
  pool_ = std::make_unique<db::Pool>(options);
  ReaderPoolOptions reader_options;
  reader_options.dsn = database_.Dsn("tm_read");
  reader_options.connections_max = 2;
  reader_pool_ = std::make_unique<ReaderPool>(reader_options);
  catalog_ = std::make_unique<StreamCatalog>(pool_.get());
  placements_ = std::make_unique<DeclaredPlacements>(reader_pool_.get());
  // Asks anew each time, so that a test need not wait for what it has recorded.
  consent_ = std::make_unique<ConsentBook>(pool_.get(), &Clock::Real(), absl::ZeroDuration());
  reader_ = std::make_unique<SignalReader>(SignalReader::Parts{
      reader_pool_.get(), keys_.get(), catalog_.get(), placements_.get(), consent_.get()});
}

SignalScene::Person SignalScene::AddPerson() {
  const Person person = AddPersonWithoutConsent();
  for (int kind = v1::DATA_KIND_UNSPECIFIED + 1; kind < v1::DataKind_ARRAYSIZE; ++kind) {
    RecordConsent(person, static_cast<v1::DataKind>(kind), true,
                  std::numeric_limits<int64_t>::min());
  }
  return person;
}

void SignalScene::RecordConsent(const Person& person, v1::DataKind kind, bool granted,
                                int64_t from_ns, std::optional<int64_t> until_ns) const {
  database_.Execute(fmt::format(
      "insert into consent select '{0}', {1}, coalesce(max(version), 0) + 1, '{2}', {3}, {4}, {5},"
      " 'form', '{2}', now() from consent where participant_id = '{0}' and data_kind = {1}",
      person.participant_id.ToString(), static_cast<int>(kind), person.study_id.ToString(),
      granted ? 1 : 2, from_ns, until_ns ? fmt::format("{}", *until_ns) : "null"));
}

SignalScene::Person SignalScene::AddPersonWithoutConsent() {
  const Person person{StudyId::MakeV7(), ParticipantId::MakeV7(), DeviceId::MakeV7()};
  database_.Execute(fmt::format(
      "insert into study values ('{0}', '{0}', now());"
      "insert into participant values ('{1}', '{0}', 'P1', 1, now(), now());"
      "insert into device (participant_id, device_id, study_id, name, state, created_at)"
      " values ('{1}', '{2}', '{0}', 'watch', 2, now())",
      person.study_id.ToString(), person.participant_id.ToString(), person.device_id.ToString()));
  return person;
}

void SignalScene::EraseRange(const Person& person, StreamId stream,
                             const signal::TimeRange& study) const {
  database_.Execute(fmt::format("insert into erased_range values ('{}', '{}', '{}', '{}', {}, {})",
                                person.participant_id.ToString(), Uuid::MakeRandom().ToString(),
                                stream.ToString(), person.study_id.ToString(), study.begin_ns,
                                study.end_ns));
}

StreamId SignalScene::Declare(const Person& person, const std::string& name,
                              const v1::StreamDeclaration& declaration) {
  const StreamId stream = StreamId::MakeV7();
  database_.Execute(fmt::format("insert into stream values ('{}', '{}', '{}', '{}', '{}')",
                                person.participant_id.ToString(), stream.ToString(),
                                person.study_id.ToString(), person.device_id.ToString(), name));
  DeclareVersion(person, stream, 1, declaration);
  return stream;
}

void SignalScene::DeclareVersion(const Person& person, StreamId stream, int version,
                                 const v1::StreamDeclaration& declaration) {
  database_.Execute(fmt::format(
      "insert into stream_version values ('{}', '{}', {}, '{}', {}, '2026-11-22 12:00:00.5Z')",
      person.participant_id.ToString(), stream.ToString(), version, person.study_id.ToString(),
      Bytea(SerializeDeclaration(declaration))));
}

void SignalScene::AddClockPair(const Person& person, BootId boot, int32_t clock,
                               int64_t study_of_zero_ns, int64_t sensor_ns) {
  database_.Execute(fmt::format(
      "insert into clock_pair values ('{}', '{}', '{}', 0, 0, '{}', '{}', '{}', {}, false, {}, 0,"
      " {}, 0)",
      person.participant_id.ToString(), StreamId::MakeV7().ToString(),
      WriterId::MakeRandom().ToString(), person.study_id.ToString(), person.device_id.ToString(),
      boot.ToString(), clock, sensor_ns, study_of_zero_ns + sensor_ns));
}

void SignalScene::LoseKeys(const Person& person) const {
  const std::string id = person.participant_id.ToString();
  EXPECT_GT(std::filesystem::remove_all(
                fmt::format("{}/participants/{}/{}", folder_.path(), id.substr(id.size() - 2), id)),
            0u);
}

std::vector<ChunkRow> SignalScene::AddSegment(const Person& person, StreamId stream,
                                              const std::vector<StoredChunk>& chunks, int version) {
  const auto info = catalog_->Find(person.participant_id, stream, version, absl::InfiniteFuture());
  EXPECT_TRUE(info.ok()) << info.status();
  const std::vector<signal::SampleType> types = (*info)->channel_types();
  const SegmentId segment = SegmentId::MakeV7();
  std::vector<SegmentSlot> slots;
  std::vector<std::string> tiles;
  std::vector<ChunkRow> rows;
  for (const StoredChunk& chunk : chunks) {
    ChunkRow row = RowOf(person, **info, writer_, chunk);
    const std::string body = (*info)->kind == PayloadKind::kEncoded
                                 ? EncodedBody(row, chunk)
                                 : RebuildBody(row, {chunk.stamps, chunk.values});
    const bool is_block = (*info)->kind == PayloadKind::kSamples && chunk.form == SlotForm::kBlock;
    slots.push_back(
        {is_block ? SlotForm::kBlock : SlotForm::kBody,
         is_block ? signal::EncodeBlock(types, chunk.stamps, chunk.values) : CompressBody(body)});
    tiles.push_back(
        (*info)->kind == PayloadKind::kSamples
            ? signal::EncodeBuckets(types,
                                    signal::MakeBuckets(types, chunk.stamps, chunk.values,
                                                        signal::GapThresholdNs((*info)->period_ns)))
            : "");
    rows.push_back(InsertRow(person, **info, chunk, body, segment, rows.size()));
  }
  const auto key = keys_->KeyForWriting(person.participant_id, stream, arrival_day_);
  EXPECT_TRUE(key.ok()) << key.status();
  const auto seal = [&](const char* table, EnvelopeCodec codec, const std::string& plain) {
    return Bytea(
        SealEnvelope(*key, {table, person.participant_id, segment.AsBytes()}, codec, plain));
  };
  const bool has_tiles = (*info)->kind == PayloadKind::kSamples;
  database_.Execute(fmt::format(
      "insert into segment values ('{}', '{}', '{}', '{}', false, {}, {})",
      person.participant_id.ToString(), segment.ToString(), person.study_id.ToString(),
      stream.ToString(), seal("segment.payload", EnvelopeCodec::kSegment, PackSegment(slots)),
      has_tiles ? seal("segment.tiles", EnvelopeCodec::kTiles, PackTiles(tiles)) : "null"));
  return rows;
}

ChunkRow SignalScene::InsertRow(const Person& person, const StreamInfo& stream,
                                const StoredChunk& chunk, const std::string& body,
                                SegmentId segment, size_t slot) {
  ChunkRow row = RowOf(person, stream, writer_, chunk);
  row.sha256 = Sha256(body);
  row.body_bytes = static_cast<int32_t>(body.size());
  row.segment_id = segment;
  row.segment_slot = static_cast<int16_t>(slot);
  database_.Execute(fmt::format(
      "insert into chunk values ('{}', '{}', '{}', {}, '{}', '{}', {}, {}, {}, '{}', {}, {}, {},"
      " {}, {}, {}, {}, {}, '{}', {}, '{}')",
      row.participant_id.ToString(), row.stream_id.ToString(), row.writer_id.ToString(), row.number,
      row.study_id.ToString(), row.device_id.ToString(), Bytea(AsView(row.sha256)),
      row.stream_version, static_cast<int>(row.kind), row.boot_id.ToString(), row.clock_id,
      row.first_counter, row.sample_count, row.body_bytes, row.flags, row.outlier_stamps,
      row.t_min_ns, row.t_max_ns, row.segment_id.ToString(), row.segment_slot, arrival_));
  return row;
}

v1::StreamDeclaration Int16Channels(int channels, uint32_t rate_hz, double scale, double offset) {
  v1::StreamDeclaration declaration;
  declaration.set_modality(v1::MODALITY_OTHER);
  for (int i = 0; i < channels; ++i) {
    v1::Channel& channel = *declaration.add_channels();
    channel.set_name(i < 3 ? std::string(1, "xyz"[i]) : fmt::format("c{}", i));
    channel.set_unit("1");
    channel.set_type(v1::CHANNEL_TYPE_INT16);
    channel.set_scale(scale);
    channel.set_offset(offset);
  }
  if (rate_hz != 0) {
    declaration.mutable_nominal_rate()->set_numerator(rate_hz);
    declaration.mutable_nominal_rate()->set_denominator(1);
  }
  return declaration;
}

signal::Stamps RegularAt(int64_t first_ns, size_t count, int64_t rate_hz) {
  const int64_t last_ns = first_ns + static_cast<int64_t>(count - 1) * kNsPerS / rate_hz;
  return *signal::Stamps::Regular(first_ns, last_ns, count);
}

}  // namespace tidemark::store
