// SPDX-License-Identifier: Apache-2.0
// Copyright corewright contributors

/// Gives, for each sample, the sum of it and the three before it; before the first, zeros. One
/// sample a cycle; both outputs of the handshakes are registers, thanks to cw_axis_skid.
module moving_sum #(
  parameter int unsigned Width = 8
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [Width-1:0] s_axis_tdata,
  input  logic             s_axis_tvalid,
  output logic             s_axis_tready,
  output logic [Width+1:0] m_axis_tdata,
  output logic             m_axis_tvalid,
  input  logic             m_axis_tready
);

  typedef logic [Width+1:0] sum_t;

  logic [Width-1:0] history_q[3];
  sum_t sum;

  assign sum = sum_t'(s_axis_tdata) + sum_t'(history_q[0]) + sum_t'(history_q[1]) +
               sum_t'(history_q[2]);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      history_q <= '{default: '0};
    end else if (s_axis_tvalid && s_axis_tready) begin
      history_q <= '{s_axis_tdata, history_q[0], history_q[1]};
    end
  end

  cw_axis_skid #(
    .Width(Width + 2)
  ) u_skid (
    .clk_i,
    .rst_ni,
    .s_axis_tdata(sum),
    .s_axis_tvalid,
    .s_axis_tready,
    .m_axis_tdata,
    .m_axis_tvalid,
    .m_axis_tready
  );

endmodule
