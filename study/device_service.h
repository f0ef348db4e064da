// gRPC in front of Devices, Enrolment, Sessions and Streams.
#pragma once

#include "base/rpc/guard.h"
#include "study/context.h"
#include "study/devices.h"
#include "study/enrolment.h"
#include "study/sessions.h"
#include "study/streams.h"
#include "tidemark/v1/device.grpc.pb.h"

namespace tidemark::study {

// The authorizer outlives the service.
class DeviceService final : public v1::DeviceService::Service {
 public:
  DeviceService(rpc::Authorizer* authorizer, const Context& context)
      : authorizer_(authorizer),
        devices_(context),
        attempts_(context.clock),
        enrolment_(context, &attempts_),
        sessions_(context, &attempts_),
        streams_(context) {}

  grpc::Status CreateDevice(grpc::ServerContext* context, const v1::CreateDeviceRequest* request,
                            v1::CreateDeviceResponse* response) override;
  grpc::Status CreateEnrolmentCode(grpc::ServerContext* context,
                                   const v1::CreateEnrolmentCodeRequest* request,
                                   v1::CreateEnrolmentCodeResponse* response) override;
  grpc::Status ListDevices(grpc::ServerContext* context, const v1::ListDevicesRequest* request,
                           v1::ListDevicesResponse* response) override;
  grpc::Status RevokeDevice(grpc::ServerContext* context, const v1::RevokeDeviceRequest* request,
                            v1::RevokeDeviceResponse* response) override;
  grpc::Status Enrol(grpc::ServerContext* context, const v1::EnrolRequest* request,
                     v1::EnrolResponse* response) override;
  grpc::Status RequestChallenge(grpc::ServerContext* context,
                                const v1::RequestChallengeRequest* request,
                                v1::RequestChallengeResponse* response) override;
  grpc::Status OpenSession(grpc::ServerContext* context, const v1::OpenSessionRequest* request,
                           v1::OpenSessionResponse* response) override;
  grpc::Status RotateKey(grpc::ServerContext* context, const v1::RotateKeyRequest* request,
                         v1::RotateKeyResponse* response) override;
  grpc::Status DeclareStream(grpc::ServerContext* context, const v1::DeclareStreamRequest* request,
                             v1::DeclareStreamResponse* response) override;
  grpc::Status ListStreams(grpc::ServerContext* context, const v1::ListStreamsRequest* request,
                           v1::ListStreamsResponse* response) override;

 private:
  rpc::Authorizer* const authorizer_;
  const Devices devices_;
  AttemptLimiter attempts_;
  const Enrolment enrolment_;
  const Sessions sessions_;
  const Streams streams_;
};

}  // namespace tidemark::study
