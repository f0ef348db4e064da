// Who a device is: its key and what the server called it, in a folder of its own.
//
//   FOLDER/key.pem       P-256 private key, mode 0600
//   FOLDER/key-next.pem  while a rotation is not known to have succeeded
//   FOLDER/device.json   ids, name, server and audience
//   FOLDER/outbox/       see outbox.h
//   FOLDER/receipts.ledger  see ledger.h
#pragma once

#include <grpcpp/grpcpp.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "base/ids.h"
#include "ingest/client/rpc_channel.h"

namespace tidemark::ingest {

class Identity {
 public:
  // Makes a key in `folder` (or takes the one that an interrupted enrolment left), redeems `code`
  // and saves what the server answered. Safe to repeat with the same code after a lost answer.
  //   FAILED_PRECONDITION  the folder already holds an enrolled device
  //   INVALID_ARGUMENT     the code is wrong, used or expired
  static absl::StatusOr<Identity> Enrol(const std::shared_ptr<grpc::Channel>& channel,
                                        const ServerAddress& address,
                                        const std::filesystem::path& folder,
                                        const std::string& code);
  // NOT_FOUND when no device is enrolled in `folder`.
  static absl::StatusOr<Identity> Load(const std::filesystem::path& folder);

  // DER ECDSA by the device's key.
  std::string Sign(const std::string& message) const { return key_.Sign(message); }
  // The metadata "tidemark-device-signature" of a bundle.
  std::string BundleSignature(std::string_view bundle) const;
  // What to sign to open a session.
  std::string SessionStatement(std::string_view challenge) const;

  // Key rotation in three steps, so that a crash between any two of them loses no key: make (or
  // take up) the next key, have the server accept it, adopt it.
  absl::StatusOr<SigningKey> NextKey();
  bool HasNextKey() const;
  std::string RotationProof(const SigningKey& next) const;
  // NOT_FOUND without a next key.
  absl::Status AdoptNextKey();

  const DeviceId& device_id() const { return device_id_; }
  const ParticipantId& participant_id() const { return participant_id_; }
  const std::string& name() const { return name_; }
  const ServerAddress& address() const { return address_; }
  const std::string& audience() const { return audience_; }
  std::filesystem::path outbox_folder() const { return folder_ / "outbox"; }
  std::filesystem::path ledger_path() const { return folder_ / "receipts.ledger"; }

 private:
  Identity(std::filesystem::path folder, SigningKey key)
      : folder_(std::move(folder)), key_(std::move(key)) {}
  absl::Status Save() const;
  absl::Status ParseJson(const std::string& text);

  std::filesystem::path folder_;
  SigningKey key_;
  DeviceId device_id_;
  ParticipantId participant_id_;
  std::string name_;
  ServerAddress address_;
  std::string audience_;
};

}  // namespace tidemark::ingest
