import sys
from pathlib import Path
import torch
from carcodec.train.run import RECIPES, train
name, data, folder = sys.argv[1:4]
train(RECIPES / f"{name}.toml", Path(data), Path(folder), torch.device("cpu"), Path(sys.argv[4]) if len(sys.argv) > 4 else None)
