#include "ingest/client/identity.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "base/base64.h"
#include "base/endian.h"
#include "base/rpc/error.h"
#include "base/status_macros.h"
#include "ingest/client/durable_file.h"
#include "tidemark/v1/device.grpc.pb.h"

namespace tidemark::ingest {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSmallFileBytesMax = size_t{64} << 10;
constexpr char kKeyFile[] = "key.pem";
constexpr char kNextKeyFile[] = "key-next.pem";
constexpr char kDeviceFile[] = "device.json";

absl::StatusOr<SigningKey> LoadKey(const fs::path& path) {
  TM_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, kSmallFileBytesMax));
  return SigningKey::FromPem(pem);
}

// The key of an interrupted attempt counts: the server may know it already.
absl::StatusOr<SigningKey> LoadOrMakeKey(const fs::path& path) {
  auto key = LoadKey(path);
  if (!absl::IsNotFound(key.status())) return key;
  SigningKey made = SigningKey::GenerateP256();
  TM_RETURN_IF_ERROR(WriteFileDurably(path, made.ExportPem(), 0600));
  return made;
}

std::string WithAudience(std::string_view prefix, std::string_view audience,
                         const DeviceId& device_id) {
  std::string bytes(prefix);
  AppendLe(bytes, static_cast<uint32_t>(audience.size()));
  bytes.append(audience).append(device_id.AsBytes());
  return bytes;
}

}  // namespace

absl::StatusOr<Identity> Identity::Enrol(const std::shared_ptr<grpc::Channel>& channel,
                                         const ServerAddress& address, const fs::path& folder,
                                         const std::string& code) {
  if (fs::exists(folder / kDeviceFile)) {
    return absl::FailedPreconditionError(fmt::format(
        "folder: {} already holds an enrolled device; take another folder", folder.string()));
  }
  TM_RETURN_IF_ERROR(MakeFolder(fs::absolute(folder)));
  TM_ASSIGN_OR_RETURN(SigningKey key, LoadOrMakeKey(folder / kKeyFile));
  const std::string public_key = key.Public().Export();
  v1::EnrolRequest request;
  request.set_code(code);
  request.set_public_key(public_key);
  request.set_proof(
      key.Sign(std::string("tidemark-enrol-v1").append(AsView(Sha256(code))) + public_key));
  v1::EnrolResponse response;
  grpc::ClientContext context;
  Prepare(context, "");
  TM_RETURN_IF_ERROR(
      rpc::FromGrpc(v1::DeviceService::NewStub(channel)->Enrol(&context, request, &response)));

  Identity identity(folder, std::move(key));
  TM_ASSIGN_OR_RETURN(identity.device_id_, DeviceId::Parse(response.device().device_id()));
  TM_ASSIGN_OR_RETURN(identity.participant_id_,
                      ParticipantId::Parse(response.device().participant_id()));
  identity.name_ = response.device().name();
  identity.address_ = address;
  identity.audience_ = response.audience();
  TM_RETURN_IF_ERROR(identity.Save());
  return identity;
}

absl::StatusOr<Identity> Identity::Load(const fs::path& folder) {
  auto text = ReadFile(folder / kDeviceFile, kSmallFileBytesMax);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(fmt::format(
        "{} holds no enrolled device; run: tidemark device enrol --folder {} --code CODE",
        folder.string(), folder.string()));
  }
  TM_RETURN_IF_ERROR(text.status());
  TM_ASSIGN_OR_RETURN(SigningKey key, LoadKey(folder / kKeyFile));
  Identity identity(folder, std::move(key));
  TM_RETURN_IF_ERROR(identity.ParseJson(*text));
  return identity;
}

absl::Status Identity::Save() const {
  const nlohmann::ordered_json file = {{"format", 1},
                                       {"device_id", device_id_.ToString()},
                                       {"participant_id", participant_id_.ToString()},
                                       {"name", name_},
                                       {"server", address_.target},
                                       {"tls_ca", address_.ca_file},
                                       {"audience", audience_}};
  return WriteFileDurably(folder_ / kDeviceFile, file.dump(1) + "\n");
}

absl::Status Identity::ParseJson(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto field = [&](const char* name) { return json.at(name).get<std::string>(); };
    TM_ASSIGN_OR_RETURN(device_id_, DeviceId::Parse(field("device_id")));
    TM_ASSIGN_OR_RETURN(participant_id_, ParticipantId::Parse(field("participant_id")));
    name_ = field("name");
    address_ = {field("server"), field("tls_ca")};
    audience_ = field("audience");
    return absl::OkStatus();
  } catch (const nlohmann::json::exception& error) {
    return absl::DataLossError(
        fmt::format("{} cannot be understood: {}", (folder_ / kDeviceFile).string(), error.what()));
  }
}

std::string Identity::BundleSignature(std::string_view bundle) const {
  std::string message = WithAudience("tidemark-bundle-v1", audience_, device_id_);
  message.append(AsView(Sha256(bundle)));
  AppendLe(message, static_cast<uint64_t>(bundle.size()));
  return fmt::format("v1.{}.{}", device_id_.ToString(), Base64UrlEncode(Sign(message)));
}

std::string Identity::SessionStatement(std::string_view challenge) const {
  return WithAudience("tidemark-session-v1", audience_, device_id_).append(challenge);
}

absl::StatusOr<SigningKey> Identity::NextKey() { return LoadOrMakeKey(folder_ / kNextKeyFile); }

bool Identity::HasNextKey() const { return fs::exists(folder_ / kNextKeyFile); }

std::string Identity::RotationProof(const SigningKey& next) const {
  return next.Sign(std::string("tidemark-rotate-v1").append(device_id_.AsBytes()) +
                   next.Public().Export());
}

absl::Status Identity::AdoptNextKey() {
  TM_ASSIGN_OR_RETURN(SigningKey next, LoadKey(folder_ / kNextKeyFile));
  TM_RETURN_IF_ERROR(MoveFileDurably(folder_ / kNextKeyFile, folder_ / kKeyFile));
  key_ = std::move(next);
  return absl::OkStatus();
}

}  // namespace tidemark::ingest
