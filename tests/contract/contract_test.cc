// The golden vectors hold for the project's own code; tests/contract/README.md says what they are.
#include <gmock/gmock.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "ingest/bundle.h"
#include "ingest/merkle.h"
#include "ingest/receipt_proof.h"
#include "study/proofs.h"
#include "tests/contract/vectors.h"
#include "tests/support/status_matchers.h"
#include "tidemark/v1/chunk.pb.h"
#include "tidemark/v1/receipt.pb.h"

namespace tidemark::contract {
namespace {

using support::IsOk;
using support::StatusIs;
using ::testing::SizeIs;

Json Vectors(const std::string& name) {
  const char* root = std::getenv("TIDEMARK_SOURCE_DIR");
  return ReadVectorFile(std::string(root != nullptr ? root : ".") + "/tests/contract/vectors/" +
                        name + ".json");
}

// The message of a case, which must serialize to the bytes of that case and be read back from them.
template <class Message>
Message CheckedMessage(const Json& vector) {
  Message message;
  FromJson(vector.at("message"), message);
  const std::string bytes = BytesOf(vector, "bytes_hex");
  EXPECT_EQ(HexEncode(message.SerializeAsString()), HexEncode(bytes));
  Message parsed;
  EXPECT_TRUE(parsed.ParseFromString(bytes));
  EXPECT_EQ(ToJson(parsed), vector.at("message"));
  return message;
}

TEST(ContractTest, BodiesAreWhatThisCodeWrites) {
  const Json file = Vectors("body");
  EXPECT_EQ(file, MakeBodyVectors());
  ASSERT_THAT(file.at("cases"), SizeIs(7));
  for (const Json& vector : file.at("cases")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    CheckedMessage<v1::ChunkBody>(vector);
    EXPECT_EQ(AsView(Sha256(BytesOf(vector, "bytes_hex"))), BytesOf(vector, "sha256_hex"));
  }
}

std::string Decompress(const v1::ChunkEnvelope& envelope) {
  const std::string& in = envelope.body();
  std::string out(envelope.uncompressed_size(), '\0');
  if (envelope.compression() == v1::COMPRESSION_NONE) return in;
  if (envelope.compression() == v1::COMPRESSION_ZSTD) {
    const size_t size = ZSTD_decompress(out.data(), out.size(), in.data(), in.size());
    return size == out.size() ? out : "no zstd frame";
  }
  constexpr int kGzipWindow = 15 + 16;  // zlib: 16 asks for a gzip member
  z_stream stream{};
  inflateInit2(&stream, kGzipWindow);
  std::string copy = in;
  stream.next_in = reinterpret_cast<Bytef*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  return result == Z_STREAM_END ? out : "no gzip member";
}

TEST(ContractTest, EnvelopesOpenToTheirBody) {
  const Json file = Vectors("envelope");
  ASSERT_THAT(file.at("cases"), SizeIs(3));
  for (const Json& vector : file.at("cases")) {
    SCOPED_TRACE(vector.at("name").get<std::string>());
    const auto envelope = CheckedMessage<v1::ChunkEnvelope>(vector);
    const std::string body = Decompress(envelope);
    EXPECT_EQ(HexEncode(body), vector.at("body_hex").get<std::string>());
    EXPECT_EQ(AsView(Sha256(body)), envelope.sha256());
    EXPECT_EQ(body.size(), envelope.uncompressed_size());
  }
}

TEST(ContractTest, BundlesArriveAsFarAsTheyAreWhole) {
  const Json file = Vectors("bundle");
  EXPECT_EQ(file, MakeBundleVectors());
  const std::string bundle = BytesOf(file, "bundle_hex");
  ASSERT_THAT(file.at("truncations"), SizeIs(12));
  for (const Json& cut : file.at("truncations")) {
    const size_t length = cut.at("length");
    SCOPED_TRACE(length);
    TM_ASSERT_OK_AND_ASSIGN(const ingest::Bundle parsed,
                            ingest::ParseBundle(std::string_view(bundle).substr(0, length)));
    EXPECT_EQ(parsed.envelopes.size(), cut.at("entries_received").get<size_t>());
    EXPECT_EQ(parsed.truncated, cut.at("truncated").get<bool>());
    for (size_t i = 0; i < parsed.envelopes.size(); ++i) {
      EXPECT_EQ(HexEncode(parsed.envelopes[i].SerializeAsString()),
                file.at("envelopes_hex").at(i).get<std::string>());
    }
  }
}

ingest::ReceiptKeys KeysOf(const Json& file) {
  const auto key = VerifyKey::FromEd25519Raw(BytesOf(file, "public_key_hex"));
  EXPECT_THAT(key, IsOk());
  ingest::ReceiptKeys keys;
  keys.emplace(file.at("key_id").get<std::string>(), *key);
  return keys;
}

TEST(ContractTest, ReceiptsAreWhatThisCodeWritesAndHold) {
  const Json file = Vectors("receipt");
  EXPECT_EQ(file, MakeReceiptVectors());
  const ingest::ReceiptKeys keys = KeysOf(file);
  ASSERT_THAT(file.at("messages"), SizeIs(3));
  for (const Json& vector : file.at("messages")) {
    const auto batch = CheckedMessage<v1::ReceiptBatch>(vector);
    EXPECT_THAT(ingest::VerifyReceiptBatch(batch, keys), IsOk());
    for (const Json& statement : vector.at("statements")) {
      CheckedMessage<v1::ReceiptStatement>(statement);
    }
    for (const Json& alone : vector.at("standalone")) {
      EXPECT_THAT(ingest::VerifyReceipt(CheckedMessage<v1::Receipt>(alone), keys), IsOk());
    }
  }
}

TEST(ContractTest, AnAlteredReceiptDoesNotHold) {
  const Json file = Vectors("receipt");
  const ingest::ReceiptKeys keys = KeysOf(file);
  auto batch = CheckedMessage<v1::ReceiptBatch>(file.at("messages").at(0));
  batch.mutable_statements(1)->back() ^= 1;
  EXPECT_THAT(ingest::VerifyReceiptBatch(batch, keys), StatusIs(absl::StatusCode::kDataLoss));
}

// The message of a case as this code makes it from the inputs.
std::string MessageOfInputs(const Json& vector) {
  const std::string kind = vector.at("kind");
  const Json& inputs = vector.at("inputs");
  const std::string audience = inputs.value("audience", "");
  const auto device = DeviceId::Parse(inputs.value("device_id", Uuid{}.ToString()));
  EXPECT_THAT(device, IsOk());
  if (kind == "bundle")
    return study::BundleProofBytes(audience, *device, BytesOf(inputs, "bundle_hex"));
  if (kind == "session") {
    return study::SessionProofBytes(audience, *device, BytesOf(inputs, "challenge_hex"));
  }
  if (kind == "enrol") {
    return study::EnrolProofBytes(inputs.at("code").get<std::string>(),
                                  BytesOf(inputs, "public_key_hex"));
  }
  if (kind == "rotate")
    return study::RotateProofBytes(*device, BytesOf(inputs, "new_public_key_hex"));
  ADD_FAILURE() << "unknown kind " << kind;
  return "";
}

TEST(ContractTest, DeviceSignaturesHoldOverTheDefinedBytes) {
  const Json file = Vectors("device_signature");
  ASSERT_THAT(file.at("cases"), SizeIs(4));
  for (const Json& vector : file.at("cases")) {
    SCOPED_TRACE(vector.at("kind").get<std::string>());
    const std::string message = MessageOfInputs(vector);
    EXPECT_EQ(HexEncode(message), vector.at("message_hex").get<std::string>());
    TM_ASSERT_OK_AND_ASSIGN(const VerifyKey key,
                            VerifyKey::FromP256Der(BytesOf(vector, "public_key_hex")));
    const std::string signature = BytesOf(vector, "signature_hex");
    EXPECT_TRUE(key.Verify(message, signature));
    EXPECT_FALSE(key.Verify(message + '\0', signature));
  }
}

}  // namespace
}  // namespace tidemark::contract
