package uplink

import (
	"fmt"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// codec is protobuf, except that a message that is marshalled already goes out as it is: the ring keeps frames so.
type codec struct{}

// Name is that of plain protobuf, because the bytes are just that.
func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	switch m := v.(type) {
	case []byte:
		return mem.BufferSlice{mem.SliceBuffer(m)}, nil
	case proto.Message:
		data, err := proto.Marshal(m)
		return mem.BufferSlice{mem.SliceBuffer(data)}, err
	default:
		return nil, fmt.Errorf("cannot marshal a %T", v)
	}
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("cannot unmarshal into a %T", v)
	}
	return proto.Unmarshal(data.Materialize(), m)
}
