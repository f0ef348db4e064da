#include "tests/bench/null_sink.h"

#include <grpcpp/grpcpp.h>
#include <signal.h>

#include <fstream>

#include "tidemark/v1/ingest.grpc.pb.h"

namespace tidemark::bench {
namespace {

constexpr int kMessageBytesMax = 4 << 20;

// Reads a message, answers as many receipts as it had chunks, reads the next one.
class DiscardingStream : public grpc::ServerBidiReactor<v1::UploadRequest, v1::UploadResponse> {
 public:
  DiscardingStream() { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    response_.Clear();
    if (request_.has_open()) response_.mutable_opened()->set_chunks_in_flight_max(64);
    for (const v1::ChunkEnvelope& envelope : request_.chunks().envelopes()) {
      v1::ReceiptStatement statement;
      statement.set_sha256(envelope.sha256());
      statement.set_outcome(v1::OUTCOME_STORED);
      response_.mutable_receipts()->add_statements(statement.SerializeAsString());
    }
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    StartRead(&request_);
  }
  void OnDone() override { delete this; }

 private:
  v1::UploadRequest request_;
  v1::UploadResponse response_;
};

class NullSink : public v1::IngestService::CallbackService {
  grpc::ServerBidiReactor<v1::UploadRequest, v1::UploadResponse>* Upload(
      grpc::CallbackServerContext*) override {
    return new DiscardingStream();
  }
};

}  // namespace

bool ServeNullSink(const std::string& port_file) {
  // Before there are threads, so that all of them leave the signals to sigwait.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  NullSink sink;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(kMessageBytesMax);
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&sink);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return false;
  std::ofstream(port_file) << port << "\n";
  int signal = 0;
  sigwait(&ends, &signal);
  server->Shutdown(std::chrono::system_clock::now());
  return true;
}

}  // namespace tidemark::bench
