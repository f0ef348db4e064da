#include "tests/contract/vectors.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/endian.h"
#include "base/ids.h"
#include "core/signal/stamps.h"
#include "ingest/bundle.h"
#include "ingest/merkle.h"
#include "ingest/receipt_proof.h"
#include "study/proofs.h"
#include "tidemark/v1/chunk.pb.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::contract {
namespace {

constexpr std::string_view kStream = "01930000-0000-7000-8000-000000000001";
constexpr std::string_view kWriter = "6f1d2c3b-4a59-4687-9a0b-1c2d3e4f5061";
constexpr std::string_view kBoot = "b0075eed-0000-4000-8000-00000000000b";
constexpr std::string_view kDevice = "01930000-0000-7000-8000-0000000000d1";
constexpr std::string_view kAudience = "study.example.org";
constexpr int64_t kFirstNs = 81'000'000'000'007;

std::string Hex(std::string_view bytes) { return HexEncode(bytes); }
std::string Hex(const Sha256Digest& digest) { return HexEncode(AsView(digest)); }

template <class T>
T OrDie(absl::StatusOr<T> result) {
  if (!result.ok()) {
    fmt::print(stderr, "golden vectors: {}\n", result.status().ToString());
    std::exit(1);
  }
  return *std::move(result);
}

std::string RawId(std::string_view text) { return std::string(OrDie(Uuid::Parse(text)).AsBytes()); }

// Bodies
// -------------------------------------------------------------------------------------------

v1::ChunkBody BodyNumber(uint64_t number) {
  v1::ChunkBody body;
  body.set_version(1);
  body.set_stream_id(RawId(kStream));
  body.set_stream_version(1);
  body.set_writer_id(RawId(kWriter));
  body.set_number(number);
  body.set_boot_id(RawId(kBoot));
  return body;
}

// One channel: its type's name, its bytes on the wire, and the bits of each value.
struct ChannelVector {
  std::string type;
  std::string wire;
  std::vector<std::string> bits;
};

template <class Bits, class T>
ChannelVector ChannelOf(std::string type, const std::vector<T>& values) {
  ChannelVector channel{std::move(type), "", {}};
  for (const T value : values) {
    const auto bits = std::bit_cast<Bits>(value);
    AppendLe(channel.wire, bits);
    channel.bits.push_back(fmt::format("0x{:0{}x}", bits, 2 * sizeof bits));
  }
  return channel;
}

ChannelVector Int16Channel(const std::vector<int16_t>& values) {
  return ChannelOf<uint16_t>("int16", values);
}
ChannelVector Int32Channel(const std::vector<int32_t>& values) {
  return ChannelOf<uint32_t>("int32", values);
}
ChannelVector Float32Channel(const std::vector<float>& values) {
  return ChannelOf<uint32_t>("float32", values);
}
ChannelVector Float64Channel(const std::vector<double>& values) {
  return ChannelOf<uint64_t>("float64", values);
}

Json BodyCase(std::string_view name, const v1::ChunkBody& body) {
  const std::string bytes = body.SerializeAsString();
  return {{"name", name},
          {"message", ToJson(body)},
          {"bytes_hex", Hex(bytes)},
          {"sha256_hex", Hex(Sha256(bytes))}};
}

void SetValues(v1::Samples& samples, const std::vector<ChannelVector>& channels) {
  samples.set_count(static_cast<uint32_t>(channels.front().bits.size()));
  for (const ChannelVector& channel : channels) *samples.mutable_values() += channel.wire;
}

Json SamplesCase(std::string_view name, const v1::ChunkBody& body, const signal::Stamps& stamps,
                 const std::vector<ChannelVector>& channels) {
  Json json = BodyCase(name, body);
  json["stamps_device_ns"] = Json::array();
  for (const int64_t stamp : stamps.ToVector()) {
    json["stamps_device_ns"].push_back(std::to_string(stamp));
  }
  json["channel_types"] = Json::array();
  json["values"] = Json::array();
  for (const ChannelVector& channel : channels) {
    json["channel_types"].push_back(channel.type);
    json["values"].push_back(channel.bits);
  }
  return json;
}

v1::ChunkBody RegularBody(uint64_t number, int64_t first_ns, int64_t last_ns,
                          const std::vector<ChannelVector>& channels) {
  v1::ChunkBody body = BodyNumber(number);
  v1::Samples& samples = *body.mutable_samples();
  SetValues(samples, channels);
  samples.mutable_regular()->set_first_device_ns(first_ns);
  samples.mutable_regular()->set_last_device_ns(last_ns);
  return body;
}

Json RegularCase(std::string_view name, uint64_t number, int64_t first_ns, int64_t last_ns,
                 const std::vector<ChannelVector>& channels) {
  const v1::ChunkBody body = RegularBody(number, first_ns, last_ns, channels);
  return SamplesCase(name, body,
                     OrDie(signal::Stamps::Regular(first_ns, last_ns, body.samples().count())),
                     channels);
}

// Stamps repeat, step back and lie at both ends of time; values are what only bits can tell.
Json ExactCase(uint64_t number) {
  const std::vector<int64_t> stamps{kFirstNs, kFirstNs, kFirstNs - 1,
                                    std::numeric_limits<int64_t>::min(),
                                    std::numeric_limits<int64_t>::max()};
  const std::vector<ChannelVector> channels{
      Float32Channel({std::bit_cast<float>(0x7fc00001u), std::bit_cast<float>(0xff800000u), -0.0F,
                      std::numeric_limits<float>::denorm_min(), 9.80665F}),
      Int32Channel({0, -1, 2'147'483'647, std::numeric_limits<int32_t>::min(), 65'536})};
  v1::ChunkBody body = BodyNumber(number);
  body.set_clock_id(7);
  v1::Samples& samples = *body.mutable_samples();
  samples.set_first_counter(1'000'000);
  SetValues(samples, channels);
  for (const int64_t stamp : stamps) AppendLe(*samples.mutable_exact_device_ns(), stamp);
  return SamplesCase("samples_exact", body, signal::Stamps::Exact(stamps), channels);
}

v1::ChunkBody EncodedBody(uint64_t number) {
  v1::ChunkBody body = BodyNumber(number);
  v1::Encoded& encoded = *body.mutable_encoded();
  encoded.set_begin_device_ns(kFirstNs);
  encoded.set_end_device_ns(kFirstNs + 5'000'000'000);
  encoded.set_data(std::string("\x00\x01\xfe\xff opaque", 11));
  return body;
}

v1::ChunkBody RecordsBody(uint64_t number) {
  v1::ChunkBody body = BodyNumber(number);
  v1::Records& records = *body.mutable_records();
  v1::BootStart& boot = *records.add_records()->mutable_boot_start();
  boot.set_monotonic_ns(1'500'000'000);
  boot.set_wall_ns(1'767'225'600'000'000'000);
  boot.set_utc_offset_s(-12'600);
  boot.set_zone("America/St_Johns");
  boot.set_app_version("1.4.0 (87)");
  boot.set_system_version("11.2");
  v1::ClockPair& pair = *records.add_records()->mutable_clock_pair();
  pair.set_clock_id(7);
  pair.set_sensor_ns(-250);
  pair.set_monotonic_ns(2'500'000'000);
  pair.set_wall_ns(1'767'225'601'000'000'000);
  pair.set_utc_offset_s(3'600);
  v1::Probe& probe = *records.add_records()->mutable_probe();
  probe.set_t1_device_ns(3'000'000'000);
  probe.set_t2_server_ns(1'767'225'601'520'000'000);
  probe.set_t3_server_ns(1'767'225'601'520'250'000);
  probe.set_t4_device_ns(3'041'000'000);
  return body;
}

// A body that compresses: half a second of a slow ramp.
v1::ChunkBody RampBody(uint64_t number) {
  std::vector<int16_t> ramp(64);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = static_cast<int16_t>(i / 4);
  return RegularBody(number, kFirstNs, kFirstNs + 500'000'000, {Int16Channel(ramp)});
}

// Envelopes
// ----------------------------------------------------------------------------------------

std::string CompressZstd(const std::string& body) {
  std::string out(ZSTD_compressBound(body.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), body.data(), body.size(), 3));
  return out;
}

std::string CompressGzip(const std::string& body) {
  constexpr int kGzipWindow = 15 + 16;  // zlib: 16 asks for a gzip member
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, body.size()), '\0');
  std::string in = body;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

v1::ChunkEnvelope Envelope(const v1::ChunkBody& message, v1::Compression compression) {
  const std::string body = message.SerializeAsString();
  v1::ChunkEnvelope envelope;
  envelope.set_compression(compression);
  envelope.set_uncompressed_size(static_cast<uint32_t>(body.size()));
  envelope.set_sha256(std::string(AsView(Sha256(body))));
  envelope.set_body(compression == v1::COMPRESSION_ZSTD   ? CompressZstd(body)
                    : compression == v1::COMPRESSION_GZIP ? CompressGzip(body)
                                                          : body);
  return envelope;
}

// Receipts
// -----------------------------------------------------------------------------------------

constexpr std::string_view kReceiptKeyId = "receipt-2026-01";

v1::ReceiptStatement Statement(uint64_t number, v1::Outcome outcome, v1::DeviceAction action) {
  v1::ReceiptStatement statement;
  statement.set_version(1);
  statement.set_device_id(RawId(kDevice));
  statement.set_stream_id(RawId(kStream));
  statement.set_writer_id(RawId(kWriter));
  statement.set_number(number);
  statement.set_sha256(std::string(AsView(Sha256(std::to_string(number)))));
  statement.set_outcome(outcome);
  statement.set_device_action(action);
  statement.mutable_decided_at()->set_seconds(1'767'225'602);
  statement.mutable_decided_at()->set_nanos(123'456'000);
  statement.set_restore_generation(3);
  return statement;
}

// Three messages under one signature, of three, one and two statements.
std::vector<std::vector<v1::ReceiptStatement>> StatementsOfMessages() {
  auto stored = [](uint64_t number) {
    auto statement = Statement(number, v1::OUTCOME_STORED, v1::DEVICE_ACTION_MAY_DELETE);
    statement.set_durability(v1::DURABILITY_LOCAL);
    return statement;
  };
  auto duplicate = Statement(2, v1::OUTCOME_DUPLICATE, v1::DEVICE_ACTION_MAY_DELETE);
  duplicate.set_durability(v1::DURABILITY_REPLICATED);
  auto quarantined = Statement(3, v1::OUTCOME_QUARANTINED, v1::DEVICE_ACTION_MAY_DELETE);
  quarantined.set_reason(v1::RECEIPT_REASON_STREAM_UNKNOWN);
  quarantined.set_durability(v1::DURABILITY_LOCAL);
  auto damaged = Statement(0, v1::OUTCOME_DAMAGED, v1::DEVICE_ACTION_RESEND);
  damaged.clear_stream_id();
  damaged.clear_writer_id();
  damaged.set_reason(v1::RECEIPT_REASON_HASH_MISMATCH);
  auto later = Statement(5, v1::OUTCOME_REFUSED, v1::DEVICE_ACTION_RETRY_AFTER);
  later.set_reason(v1::RECEIPT_REASON_OVERLOADED);
  later.set_retry_after_ms(1'500);
  return {{stored(0), stored(1), duplicate}, {quarantined}, {damaged, later}};
}

void AddPath(google::protobuf::RepeatedPtrField<std::string>& to,
             const std::vector<Sha256Digest>& path) {
  for (const Sha256Digest& hash : path) to.Add(std::string(AsView(hash)));
}

ingest::MerkleTree SubtreeOf(const v1::ReceiptBatch& batch) {
  std::vector<Sha256Digest> leaves;
  for (const std::string& statement : batch.statements()) {
    leaves.push_back(ingest::MerkleLeaf(statement));
  }
  return ingest::MerkleTree(leaves);
}

std::vector<v1::ReceiptBatch> SignedBatches(const SigningKey& key) {
  std::vector<v1::ReceiptBatch> batches;
  std::vector<Sha256Digest> roots;
  for (const auto& statements : StatementsOfMessages()) {
    v1::ReceiptBatch& batch = batches.emplace_back();
    for (const auto& statement : statements) batch.add_statements(statement.SerializeAsString());
    roots.push_back(SubtreeOf(batch).root());
  }
  const ingest::MerkleTree top(roots);
  const std::string signature = key.Sign(ingest::ReceiptSignedBytes(top.root()));
  for (size_t i = 0; i < batches.size(); ++i) {
    batches[i].set_top_index(static_cast<uint32_t>(i));
    batches[i].set_top_size(static_cast<uint32_t>(batches.size()));
    AddPath(*batches[i].mutable_top_path(), top.Path(i));
    batches[i].set_signature(signature);
    batches[i].set_key_id(std::string(kReceiptKeyId));
  }
  return batches;
}

Json BatchCase(const v1::ReceiptBatch& batch) {
  Json json{{"message", ToJson(batch)}, {"bytes_hex", Hex(batch.SerializeAsString())}};
  json["subtree_root_hex"] = Hex(SubtreeOf(batch).root());
  for (int i = 0; i < batch.statements_size(); ++i) {
    v1::ReceiptStatement statement;
    statement.ParseFromString(batch.statements(i));
    json["statements"].push_back(
        {{"message", ToJson(statement)}, {"bytes_hex", Hex(batch.statements(i))}});
    const v1::Receipt receipt = OrDie(ingest::ToStandalone(batch, i));
    json["standalone"].push_back(
        {{"message", ToJson(receipt)}, {"bytes_hex", Hex(receipt.SerializeAsString())}});
  }
  return json;
}

// The tree over the one-byte leaves 0, 1, ..., size - 1, with the path of each.
Json TreeCase(size_t size) {
  std::vector<Sha256Digest> leaves;
  Json json{{"size", size}};
  for (size_t i = 0; i < size; ++i) {
    const std::string data(1, static_cast<char>(i));
    json["leaf_data_hex"].push_back(Hex(data));
    leaves.push_back(ingest::MerkleLeaf(data));
  }
  const ingest::MerkleTree tree(leaves);
  json["root_hex"] = Hex(tree.root());
  for (size_t i = 0; i < size; ++i) {
    Json path = Json::array();
    for (const Sha256Digest& hash : tree.Path(i)) path.push_back(Hex(hash));
    json["paths_hex"].push_back(path);
  }
  return json;
}

// Device signatures
// --------------------------------------------------------------------------------

Json SignatureCase(std::string_view kind, const Json& inputs, const std::string& message,
                   const SigningKey& key) {
  return {{"kind", kind},
          {"inputs", inputs},
          {"message_hex", Hex(message)},
          {"public_key_hex", Hex(key.Public().Export())},
          {"signature_hex", Hex(key.Sign(message))}};
}

}  // namespace

Json MakeBodyVectors() {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  Json cases = Json::array();
  cases.push_back(
      RegularCase("samples_regular", 0, kFirstNs, kFirstNs + 38'461'538,
                  {Int16Channel({0, 1, -1, 32'767, -32'768}), Int16Channel({12, 11, 10, 9, 8}),
                   Int16Channel({981, 981, 981, 981, 981})}));
  cases.push_back(
      RegularCase("samples_regular_one", 1, kFirstNs, kFirstNs, {Float64Channel({36.6})}));
  cases.push_back(
      RegularCase("samples_regular_before_zero", 2, -10, -3, {Int16Channel({1, 2, 3, 4})}));
  cases.push_back(RegularCase("samples_regular_needs_128_bits", (uint64_t{1} << 62) - 1, kMin, kMax,
                              {Int32Channel({1, 2, 3, 4})}));
  cases.push_back(ExactCase(4));
  cases.push_back(BodyCase("encoded", EncodedBody(5)));
  cases.push_back(BodyCase("records", RecordsBody(6)));
  return {{"message_type", "tidemark.v1.ChunkBody"}, {"cases", cases}};
}

Json MakeEnvelopeVectors() {
  Json cases = Json::array();
  const v1::ChunkBody body = RampBody(7);
  for (const auto compression :
       {v1::COMPRESSION_NONE, v1::COMPRESSION_ZSTD, v1::COMPRESSION_GZIP}) {
    const v1::ChunkEnvelope envelope = Envelope(body, compression);
    cases.push_back({{"name", v1::Compression_Name(compression)},
                     {"message", ToJson(envelope)},
                     {"bytes_hex", Hex(envelope.SerializeAsString())},
                     {"body_hex", Hex(body.SerializeAsString())}});
  }
  return {{"message_type", "tidemark.v1.ChunkEnvelope"}, {"cases", cases}};
}

Json MakeBundleVectors() {
  const std::array envelopes{Envelope(EncodedBody(5), v1::COMPRESSION_NONE),
                             Envelope(RecordsBody(6), v1::COMPRESSION_NONE),
                             Envelope(RampBody(7), v1::COMPRESSION_NONE)};
  ingest::BundleWriter writer;
  Json json{{"envelopes_hex", Json::array()}};
  Json truncations = Json::array();
  for (size_t i = 0; i < envelopes.size(); ++i) {
    const size_t begin = writer.bytes();
    writer.TryAdd(envelopes[i]);
    json["envelopes_hex"].push_back(Hex(envelopes[i].SerializeAsString()));
    // Inside the size, inside the envelope, and one byte before its end; then whole.
    for (const size_t length : {begin + 2, begin + 40, writer.bytes() - 1}) {
      truncations.push_back({{"length", length}, {"entries_received", i}, {"truncated", true}});
    }
    truncations.push_back(
        {{"length", writer.bytes()}, {"entries_received", i + 1}, {"truncated", false}});
  }
  json["bundle_hex"] = Hex(writer.Take());
  json["truncations"] = truncations;
  return json;
}

Json MakeReceiptVectors() {
  std::string seed(32, '\0');
  for (size_t i = 0; i < seed.size(); ++i) seed[i] = static_cast<char>(i);
  const SigningKey key = OrDie(SigningKey::FromEd25519Seed(seed));
  Json json{{"ed25519_seed_hex", Hex(seed)},
            {"public_key_hex", Hex(key.Public().Export())},
            {"key_id", kReceiptKeyId},
            {"signature_prefix", ingest::kReceiptSignaturePrefix}};
  for (size_t size = 1; size <= 9; ++size) json["trees"].push_back(TreeCase(size));
  for (const v1::ReceiptBatch& batch : SignedBatches(key)) {
    json["messages"].push_back(BatchCase(batch));
  }
  return json;
}

Json MakeDeviceSignatureVectors() {
  const SigningKey key = SigningKey::GenerateP256();
  const SigningKey new_key = SigningKey::GenerateP256();
  const std::string public_key = key.Public().Export();
  const std::string new_public_key = new_key.Public().Export();
  const DeviceId device = OrDie(DeviceId::Parse(kDevice));
  const std::string bundle = BytesOf(MakeBundleVectors(), "bundle_hex");
  const std::string challenge = "0123456789abcdef0123456789abcdef";
  const std::string code = "golden-code_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

  Json cases = Json::array();
  cases.push_back(SignatureCase(
      "bundle", {{"audience", kAudience}, {"device_id", kDevice}, {"bundle_hex", Hex(bundle)}},
      study::BundleProofBytes(kAudience, device, bundle), key));
  cases.push_back(SignatureCase(
      "session",
      {{"audience", kAudience}, {"device_id", kDevice}, {"challenge_hex", Hex(challenge)}},
      study::SessionProofBytes(kAudience, device, challenge), key));
  cases.push_back(SignatureCase("enrol", {{"code", code}, {"public_key_hex", Hex(public_key)}},
                                study::EnrolProofBytes(code, public_key), key));
  cases.push_back(
      SignatureCase("rotate", {{"device_id", kDevice}, {"new_public_key_hex", Hex(new_public_key)}},
                    study::RotateProofBytes(device, new_public_key), new_key));
  // How the signature of a bundle travels beside it.
  const std::string signature = BytesOf(cases[0], "signature_hex");
  cases[0]["header"] = {{"name", "tidemark-device-signature"},
                        {"value", fmt::format("v1.{}.{}", kDevice, Base64UrlEncode(signature))}};
  return {{"cases", cases}};
}

void WriteVectors(const std::string& folder) {
  WriteVectorFile(folder + "/body.json", MakeBodyVectors());
  WriteVectorFile(folder + "/envelope.json", MakeEnvelopeVectors());
  WriteVectorFile(folder + "/bundle.json", MakeBundleVectors());
  WriteVectorFile(folder + "/receipt.json", MakeReceiptVectors());
  const std::string signatures = folder + "/device_signature.json";
  if (!std::filesystem::exists(signatures)) {
    WriteVectorFile(signatures, MakeDeviceSignatureVectors());
  }
}

}  // namespace tidemark::contract
