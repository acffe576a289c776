"""Pictures, histograms, tables and texts beside numbers, as detection scripts log them."""

import wandb

run = wandb.init()
for step in range(3):
    run.log(
        {
            "loss": 1.0 / (step + 1),
            "samples": [wandb.Image([[0]], caption="x")],
            "weights": wandb.Histogram([1, 2, 3]),
            "note": "a text",
            "video": wandb.Video("a.mp4"),
        }
    )
table = wandb.Table(columns=["text", "label"])
table.add_data('a, "b"', 1)
table.add_data("c", 0)
run.log({"predictions": table})
run.log({"roc": wandb.plot.line(wandb.Table(data=[[1, 2]], columns=["x", "y"]), "x", "y")})
